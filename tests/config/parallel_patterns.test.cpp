#include "config/parallel_patterns.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using namespace plimsoll::config;

namespace {

Slice slice(std::string_view name, const std::string& type = "llama", Layout layout = Layout::hub,
            const std::string& text_type = "") {
  HfConfig facts;
  facts.model_type = type;
  facts.text_model_type = text_type;
  return ParallelPatterns(facts, layout).slice(name);
}

SliceKind kind(std::string_view name, const std::string& type = "llama") {
  return slice(name, type).kind;
}

}  // namespace

TEST_CASE("what leads into attention heads and hidden features is divided by columns") {
  const ParallelPatterns patterns(std::nullopt, Layout::hub);
  for (const char* name :
       {"model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.bias",
        "model.layers.12.self_attn.v_proj.weight", "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.up_proj.weight", "model.layers.0.feed_forward.up_proj.weight",
        "model.layers.0.block_sparse_moe.experts.7.w1.weight",
        "model.layers.0.block_sparse_moe.experts.7.w3.weight",
        "model.layers.0.mlp.experts.127.gate_proj.weight",
        "model.layers.0.mlp.shared_experts.up_proj.weight",
        "model.layers.0.mlp.experts.gate_up_proj", "model.layers.0.self_attn.kv_b_proj.weight",
        "model.language_model.layers.0.mlp.gate_proj.weight"}) {
    INFO(name);
    CHECK(patterns.slice(name).kind == SliceKind::columns);
  }
}

TEST_CASE("what leads out of them is divided by rows") {
  const ParallelPatterns patterns(std::nullopt, Layout::hub);
  for (const char* name :
       {"model.layers.0.self_attn.o_proj.weight", "model.layers.0.mlp.down_proj.weight",
        "model.layers.0.mlp.down_proj.bias", "model.layers.0.block_sparse_moe.experts.7.w2.weight",
        "model.layers.0.mlp.experts.127.down_proj.weight", "model.layers.0.mlp.experts.down_proj",
        "model.layers.0.mlp.shared_expert.down_proj.weight"}) {
    INFO(name);
    CHECK(patterns.slice(name).kind == SliceKind::rows);
  }
}

TEST_CASE("embeddings and output heads are divided by the vocabulary") {
  CHECK(kind("model.embed_tokens.weight") == SliceKind::columns);
  CHECK(kind("lm_head.weight") == SliceKind::columns);
  CHECK(kind("backbone.embeddings.weight", "nemotron_h") == SliceKind::columns);
}

TEST_CASE("norms, routers, towers and names that nobody knows stay whole") {
  const ParallelPatterns patterns(std::nullopt, Layout::hub);
  for (const char* name :
       {"model.norm.weight", "model.layers.0.input_layernorm.weight",
        "model.layers.0.self_attn.q_norm.weight", "model.layers.0.mlp.gate.weight",
        "model.layers.0.mlp.gate.e_score_correction_bias",
        "model.layers.0.mlp.shared_expert_gate.weight", "model.layers.0.self_attn.rotary_emb.inv",
        "vision_tower.transformer.layers.0.feed_forward.gate_proj.weight",
        "model.visual.blocks.0.mlp.down_proj.weight",
        "model.layers.0.self_attn.kv_a_proj_with_mqa.weight",
        "model.layers.0.self_attn.q_proj.weight_scale_inv", "something.else", ""}) {
    INFO(name);
    CHECK(patterns.slice(name).kind == SliceKind::whole);
  }
}

TEST_CASE("a family's own plan comes before the general one") {
  CHECK(kind("model.layers.0.self_attn.o_proj.weight", "deepseek_v3") == SliceKind::whole);
  CHECK(kind("model.layers.0.mlp.shared_expert.up_proj.weight", "qwen2_moe") == SliceKind::whole);
  CHECK(kind("gpt_neox.layers.0.attention.query_key_value.weight", "gpt_neox") ==
        SliceKind::columns);
  CHECK(kind("h.0.attention.query_key_value.weight") == SliceKind::whole);
  CHECK(kind("model.layers.0.mlp.fc1.weight", "phi") == SliceKind::columns);
  CHECK(kind("model.layers.0.mlp.fc1.weight", "opt") == SliceKind::whole);
}

TEST_CASE("the type of a composite's language model counts as the model's own does") {
  const char* name = "language_model.model.layers.0.self_attn.o_proj.weight";
  CHECK(slice(name, "kimi_k25", Layout::hub, "deepseek_v3").kind == SliceKind::whole);
  CHECK(slice(name, "kimi_k25", Layout::hub, "llama").kind == SliceKind::rows);
}

TEST_CASE("experts that are multiplied from the other side keep their kind and say so") {
  const char* in = "model.layers.0.feed_forward.experts.gate_up_proj";
  const char* out = "model.layers.0.feed_forward.experts.down_proj";
  CHECK(slice(in, "llama4_text") == Slice{SliceKind::columns, Packing::gate_and_up, true});
  CHECK(slice(out, "llama4_text") == Slice{SliceKind::rows, Packing::none, true});
  CHECK_FALSE(slice(in).transposed);
}

TEST_CASE(
    "experts that only the checkpoint stores the other way round say so in its layout alone") {
  const char* name = "model.language_model.layers.0.mlp.experts.gate_up_proj";
  CHECK(slice(name, "qwen3_vl_moe", Layout::hub).transposed);
  CHECK_FALSE(slice(name, "qwen3_vl_moe", Layout::transformers).transposed);
}

TEST_CASE("projections that share a tensor are known") {
  CHECK(slice("model.layers.0.mlp.gate_up_proj.weight").packing == Packing::gate_and_up);
  CHECK(slice("model.layers.0.mlp.experts.gate_up_proj").packing == Packing::gate_and_up);
  CHECK(slice("model.layers.0.mlp.experts.gate_up_proj_bias").packing == Packing::gate_and_up);
  CHECK(slice("model.layers.0.self_attn.qkv_proj.weight").packing == Packing::queries_keys_values);
  CHECK(slice("model.layers.0.self_attn.q_proj.weight").packing == Packing::none);
  // Gate and up in turn: consecutive features belong together.
  CHECK(slice("model.layers.2.mlp.experts.gate_up_proj", "inkling_text").packing == Packing::none);
}
