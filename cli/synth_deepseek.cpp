#include "cli/synth_deepseek.hpp"

#include <string>
#include <utility>

namespace plimsoll::cli {
namespace {

/// The sizes that models of other families do not have.
struct Sizes {
  std::uint32_t dense_layers = 0;
  std::uint64_t dense = 0;
  std::uint64_t query_rank = 0;
  std::uint64_t key_value_rank = 0;
  std::uint64_t rotated = 0;  // of a head; the rest of it is not rotated
  std::uint64_t plain = 0;
  std::uint64_t value = 0;
};

constexpr Sizes published = {3, 18432, 1536, 512, 64, 128, 128};
constexpr Sizes tiny = {1, 512, 128, 64, 32, 64, 64};

const Sizes& sizes_of(const SynthModel& model) {
  return model.name.starts_with("tiny") ? tiny : published;
}

constexpr std::uint64_t tile = 128;

constexpr std::uint64_t tiles(std::uint64_t size) {
  return (size + tile - 1) / tile;
}

class DeepseekLister {
 public:
  explicit DeepseekLister(const SynthModel& model) : model_(model), sizes_(sizes_of(model)) {}

  std::vector<SynthTensor> list(std::uint32_t layers) {
    matrix("model.embed_tokens", model_.vocabulary, model_.hidden);
    for (std::uint32_t i = 0; i < layers; ++i) {
      add_layer("model.layers." + std::to_string(i) + ".", i < sizes_.dense_layers);
    }
    if (layers == model_.layers) add_next_token_layer(layers);
    norm("model.norm", model_.hidden);
    matrix("lm_head", model_.vocabulary, model_.hidden);
    return std::move(tensors_);
  }

 private:
  void matrix(const std::string& module, std::uint64_t rows, std::uint64_t columns) {
    tensors_.push_back({module + ".weight", {rows, columns}, SynthValues::weight, Dtype::bf16});
  }
  void norm(const std::string& module, std::uint64_t size) {
    tensors_.push_back({module + ".weight", {size}, SynthValues::norm, Dtype::bf16});
  }
  void linear(const std::string& module, std::uint64_t rows, std::uint64_t columns) {
    tensors_.push_back({module + ".weight", {rows, columns}, SynthValues::code, Dtype::f8_e4m3});
    tensors_.push_back({module + ".weight_scale_inv",
                        {tiles(rows), tiles(columns)},
                        SynthValues::scale,
                        Dtype::f32});
  }

  void add_layer(const std::string& layer, bool dense) {
    norm(layer + "input_layernorm", model_.hidden);
    add_attention(layer + "self_attn.");
    if (dense) {
      add_gated(layer + "mlp.", sizes_.dense);
    } else {
      add_experts(layer + "mlp.");
    }
    norm(layer + "post_attention_layernorm", model_.hidden);
  }

  void add_attention(const std::string& attention) {
    linear(attention + "q_a_proj", sizes_.query_rank, model_.hidden);
    norm(attention + "q_a_layernorm", sizes_.query_rank);
    linear(attention + "q_b_proj", model_.heads * (sizes_.plain + sizes_.rotated),
           sizes_.query_rank);
    linear(attention + "kv_a_proj_with_mqa", sizes_.key_value_rank + sizes_.rotated, model_.hidden);
    norm(attention + "kv_a_layernorm", sizes_.key_value_rank);
    linear(attention + "kv_b_proj", model_.heads * (sizes_.plain + sizes_.value),
           sizes_.key_value_rank);
    linear(attention + "o_proj", model_.hidden, model_.heads * sizes_.value);
  }

  void add_gated(const std::string& block, std::uint64_t size) {
    linear(block + "gate_proj", size, model_.hidden);
    linear(block + "up_proj", size, model_.hidden);
    linear(block + "down_proj", model_.hidden, size);
  }

  void add_experts(const std::string& block) {
    matrix(block + "gate", model_.experts, model_.hidden);
    tensors_.push_back({block + "gate.e_score_correction_bias",
                        {model_.experts},
                        SynthValues::weight,
                        Dtype::f32});
    for (std::uint64_t e = 0; e < model_.experts; ++e) {
      add_gated(block + "experts." + std::to_string(e) + ".", model_.intermediate);
    }
    add_gated(block + "shared_experts.", model_.intermediate);
  }

  void add_next_token_layer(std::uint32_t number) {
    const std::string layer = "model.layers." + std::to_string(number) + ".";
    matrix(layer + "embed_tokens", model_.vocabulary, model_.hidden);
    norm(layer + "enorm", model_.hidden);
    norm(layer + "hnorm", model_.hidden);
    matrix(layer + "eh_proj", model_.hidden, 2 * model_.hidden);
    add_layer(layer, false);
    norm(layer + "shared_head.norm", model_.hidden);
    matrix(layer + "shared_head.head", model_.vocabulary, model_.hidden);
  }

  const SynthModel& model_;
  const Sizes& sizes_;
  std::vector<SynthTensor> tensors_;
};

}  // namespace

std::vector<SynthTensor> deepseek_tensors(const SynthModel& model, std::uint32_t layers) {
  return DeepseekLister(model).list(layers);
}

nlohmann::json deepseek_config(const SynthModel& model, std::uint32_t layers) {
  const Sizes& sizes = sizes_of(model);
  return {{"architectures", {"DeepseekV3ForCausalLM"}},
          {"model_type", "deepseek_v3"},
          {"attention_bias", false},
          {"bos_token_id", 0},
          {"eos_token_id", 1},
          {"ep_size", 1},
          {"first_k_dense_replace", sizes.dense_layers},
          {"intermediate_size", sizes.dense},
          {"kv_lora_rank", sizes.key_value_rank},
          {"moe_intermediate_size", model.intermediate},
          {"moe_layer_freq", 1},
          {"n_group", model.experts > 8 ? 8 : 2},
          {"n_routed_experts", model.experts},
          {"n_shared_experts", 1},
          {"norm_topk_prob", true},
          {"num_experts_per_tok", model.experts > 8 ? 8 : 2},
          {"num_nextn_predict_layers", layers == model.layers ? 1 : 0},
          {"q_lora_rank", sizes.query_rank},
          {"qk_nope_head_dim", sizes.plain},
          {"qk_rope_head_dim", sizes.rotated},
          {"quantization_config",
           {{"activation_scheme", "dynamic"},
            {"fmt", "e4m3"},
            {"quant_method", "fp8"},
            {"weight_block_size", {tile, tile}}}},
          {"rope_scaling",
           {{"beta_fast", 32},
            {"beta_slow", 1},
            {"factor", 40},
            {"mscale", 1.0},
            {"mscale_all_dim", 1.0},
            {"original_max_position_embeddings", 4096},
            {"type", "yarn"}}},
          {"routed_scaling_factor", 2.5},
          {"scoring_func", "sigmoid"},
          {"topk_group", model.experts > 8 ? 4 : 1},
          {"topk_method", "noaux_tc"},
          {"transformers_version", "4.33.1"},
          {"v_head_dim", sizes.value}};
}

}  // namespace plimsoll::cli
