#include "config/linear_weights.hpp"

#include <array>
#include <string>

#include "catch.hpp"

using plimsoll::Dtype;
using plimsoll::config::LinearRule;

namespace {

using Shape = std::vector<std::uint64_t>;

bool linear(std::string_view name, std::string_view type = "llama", const Shape& shape = {8, 8}) {
  static const LinearRule rule;
  return rule.is_linear_weight(name, Dtype::bf16, shape, type);
}

}  // namespace

TEST_CASE("projections of attention and of feed-forward layers are linear weights") {
  for (const char* name :
       {"model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.gate_up_proj.weight", "bert.encoder.layer.0.output.dense.weight",
        "transformer.h.0.self_attention.query_key_value.weight", "bert.pooler.dense.weight",
        "decoder.block.0.layer.0.SelfAttention.q.weight", "model.layers.0.mixer.in_proj.weight",
        "model.visual.merger.mlp.0.weight", "lm_head.weight", "score.weight", "weight",
        "model.layers.1.block_sparse_moe.experts.3.w1.weight",
        "model.layers.1.mlp.experts.3.gate_proj.weight",
        "model.layers.1.mlp.shared_expert_gate.weight",
        "model.layers.1.mlp.shared_expert.down_proj.weight",
        "model.layers.0.self_attn.kv_a_proj_with_mqa.weight"}) {
    INFO(name);
    if (std::string_view(name) == "weight") {
      CHECK_FALSE(linear(name));  // a bare "weight" has no module; only *.weight counts
      continue;
    }
    CHECK(linear(name));
  }
}

TEST_CASE("embeddings and position tables are not") {
  for (const char* name : {"model.embed_tokens.weight",
                           "embed_tokens.weight",
                           "transformer.wte.weight",
                           "wpe.weight",
                           "bert.embeddings.word_embeddings.weight",
                           "bert.embeddings.position_embeddings.weight",
                           "bert.embeddings.token_type_embeddings.weight",
                           "transformer.word_embeddings.weight",
                           "shared.weight",
                           "model.shared.weight",
                           "gpt_neox.embed_in.weight",
                           "model.decoder.embed_positions.weight",
                           "backbone.embeddings.weight",
                           "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                           "model.embed_tokens_per_layer.weight",
                           "visual.patch_embed.proj.weight",
                           "vision_model.embeddings.patch_embedding.weight",
                           "model.visual.pos_embed.weight",
                           "vision_model.embeddings.position_embedding.weight",
                           "tok_embeddings.weight"}) {
    INFO(name);
    CHECK_FALSE(linear(name));
  }
}

TEST_CASE("routers are not, under any of their names") {
  for (const char* name :
       {"model.layers.0.mlp.gate.weight", "model.layers.0.block_sparse_moe.gate.weight",
        "model.layers.0.mlp.router.weight", "model.layers.0.feed_forward.router.weight",
        "model.layers.0.block_sparse_moe.router.layer.weight",
        "encoder.block.1.layer.1.mlp.router.classifier.weight",
        "transformer.blocks.0.ffn.router.layer.weight", "model.layers.0.mlp.gate.wg.weight",
        "model.layers.0.feed_forward.gate.weight"}) {
    INFO(name);
    CHECK_FALSE(linear(name, "mixtral"));
  }
}

TEST_CASE("norms and convolutions are not, even as matrices") {
  for (const char* name :
       {"model.norm.weight", "model.layers.0.input_layernorm.weight", "transformer.ln_f.weight",
        "transformer.h.0.ln_1.weight", "bert.embeddings.LayerNorm.weight",
        "model.layers.0.self_attn.q_norm.weight", "model.layers.0.mixer.conv1d.weight",
        "model.encoder.conv1.weight", "model.layers.0.short_conv.weight",
        "model.llm.layers.0.attn_sconv.weight"}) {
    INFO(name);
    CHECK_FALSE(linear(name));
  }
}

TEST_CASE("only floating-point matrices called weight count") {
  const LinearRule rule;
  const char* name = "model.layers.0.mlp.up_proj.weight";
  const Shape matrix = {8, 8};
  for (Dtype dtype : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f8_e4m3}) {
    CHECK(rule.is_linear_weight(name, dtype, matrix, "llama"));
  }
  for (Dtype dtype : {Dtype::u8, Dtype::i8, Dtype::i32, Dtype::boolean, Dtype::c64}) {
    CHECK_FALSE(rule.is_linear_weight(name, dtype, matrix, "llama"));
  }
  CHECK_FALSE(linear(name, "llama", {}));
  CHECK_FALSE(linear(name, "llama", {8}));
  CHECK_FALSE(linear(name, "llama", {8, 8, 8}));
  CHECK_FALSE(linear(name, "llama", {8, 8, 1, 1}));
  CHECK_FALSE(linear("model.layers.0.mlp.up_proj.bias"));
  CHECK_FALSE(linear("model.layers.0.mlp.up_proj.weight_scale_inv"));
  CHECK_FALSE(linear("model.layers.0.mlp.up_projweight"));
  CHECK(linear(name, "llama", {0, 8}));
}

TEST_CASE("merged experts are linear weights of rank three") {
  const Shape experts = {4, 8, 8};
  for (const char* name :
       {"model.layers.0.mlp.experts.gate_up_proj", "model.layers.0.mlp.experts.down_proj",
        "model.layers.0.mlp.experts.gate_up_proj.weight", "model.layers.0.mixer.experts.up_proj",
        "model.layers.0.feed_forward.experts.down_proj.weight",
        "model.layers.0.block_sparse_moe.input_linear.weight",
        "model.layers.0.block_sparse_moe.output_linear.weight",
        "model.layers.0.moe.down_proj.weight", "model.llm.layers.0.mlp.experts.w13_weight",
        "model.layers.0.mlp.experts.fc1.weight"}) {
    INFO(name);
    CHECK(linear(name, "mixtral", experts));
  }
  CHECK_FALSE(linear("model.layers.0.mlp.experts.gate_up_proj_bias", "gpt_oss", experts));
  CHECK_FALSE(linear("model.layers.0.mlp.experts.gate_up_proj_blocks", "gpt_oss", experts));
  CHECK_FALSE(linear("model.layers.0.mlp.experts.gate_up_proj", "gpt_oss", {4, 8}));
  CHECK_FALSE(linear("encoder.layers.0.conv.weight", "whisper", experts));
}

TEST_CASE("Conv1D weights of GPT-2 are kept, the same names elsewhere are linear") {
  for (const char* name :
       {"transformer.h.0.attn.c_attn.weight", "h.0.attn.c_proj.weight", "h.11.mlp.c_fc.weight",
        "transformer.h.0.mlp.c_proj.weight", "transformer.h.0.crossattention.q_attn.weight"}) {
    INFO(name);
    CHECK_FALSE(linear(name, "gpt2"));
    CHECK_FALSE(linear(name, ""));
    CHECK(linear(name, "gpt_bigcode"));
  }
  CHECK(linear("score.weight", "gpt2"));
}

TEST_CASE("a hostile name ends in an answer") {
  static const LinearRule rule;
  const Shape matrix = {8, 8};
  for (const char* piece : {"_", ".", "embed", "conv_", "a.", "\xff", "experts."}) {
    std::string name;
    while (name.size() < 100'000) name += piece;
    name += ".weight";
    INFO(piece);
    const bool first = rule.is_linear_weight(name, Dtype::f32, matrix, "");
    CHECK(rule.is_linear_weight(name, Dtype::f32, matrix, "") == first);
  }
}
