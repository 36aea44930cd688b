#include "cli/synth_models.hpp"

#include <array>

#include "cli/synth_deepseek.hpp"

namespace plimsoll::cli {
namespace {

using nlohmann::json;

constexpr std::array models = {
    SynthModel{"tiny", SynthFamily::llama, 2, 256, 704, 4, 2, 64, 2048, 0, false, 2048, 10000.0},
    SynthModel{"tiny-moe", SynthFamily::qwen3_moe, 3, 256, 128, 4, 2, 64, 2048, 8, false, 2048,
               1e6},
    SynthModel{"tiny-fp8", SynthFamily::deepseek_v3, 3, 256, 128, 4, 4, 96, 2048, 8, false, 2048,
               1e4},
    SynthModel{"qwen2.5-0.5b", SynthFamily::qwen2, 24, 896, 4864, 14, 2, 64, 151936, 0, true, 32768,
               1e6},
    SynthModel{"qwen2.5-1.5b", SynthFamily::qwen2, 28, 1536, 8960, 12, 2, 128, 151936, 0, true,
               131072, 1e6},
    SynthModel{"qwen2.5-7b", SynthFamily::qwen2, 28, 3584, 18944, 28, 4, 128, 152064, 0, false,
               131072, 1e6, 4'000'000'000},
    SynthModel{"llama3-8b", SynthFamily::llama, 32, 4096, 14336, 32, 8, 128, 128256, 0, false, 8192,
               5e5},
    SynthModel{"qwen3-30b-a3b", SynthFamily::qwen3_moe, 48, 2048, 768, 32, 4, 128, 151936, 128,
               false, 40960, 1e6, 4'000'000'000},
    SynthModel{"mixtral-8x7b", SynthFamily::mixtral, 32, 4096, 14336, 32, 8, 128, 32000, 8, false,
               32768, 1e6},
    SynthModel{"deepseek-v3", SynthFamily::deepseek_v3, 61, 7168, 2048, 128, 128, 192, 129280, 256,
               false, 163840, 1e4, 4'250'000'000},
};

json shared_config(const SynthModel& model, std::uint32_t layers) {
  return {{"attention_dropout", 0.0},
          {"hidden_act", "silu"},
          {"hidden_size", model.hidden},
          {"initializer_range", 0.02},
          {"intermediate_size", model.intermediate},
          {"max_position_embeddings", model.context},
          {"num_attention_heads", model.heads},
          {"num_hidden_layers", layers},
          {"num_key_value_heads", model.key_value_heads},
          {"rms_norm_eps", 1e-6},
          {"rope_theta", model.rope_theta},
          {"tie_word_embeddings", model.tied},
          {"torch_dtype", "bfloat16"},
          {"use_cache", true},
          {"vocab_size", model.vocabulary}};
}

/// What a family's config.json says beyond the sizes that all have.
json family_config(const SynthModel& model, std::uint32_t layers) {
  switch (model.family) {
    case SynthFamily::llama: {
      const bool tiny = model.vocabulary < 128000;
      return {{"architectures", {"LlamaForCausalLM"}},
              {"model_type", "llama"},
              {"attention_bias", false},
              {"bos_token_id", tiny ? 1 : 128000},
              {"eos_token_id", tiny ? 2 : 128001},
              {"pretraining_tp", 1},
              {"rms_norm_eps", 1e-5},
              {"rope_scaling", nullptr},
              {"transformers_version", "4.40.0.dev0"}};
    }
    case SynthFamily::qwen2:
      return {{"architectures", {"Qwen2ForCausalLM"}},
              {"model_type", "qwen2"},
              {"bos_token_id", 151643},
              {"eos_token_id", 151643},
              {"max_window_layers", model.layers},
              {"sliding_window", model.context},
              {"use_mrope", false},
              {"use_sliding_window", false},
              {"transformers_version", "4.40.1"}};
    case SynthFamily::qwen3_moe:
      return {{"architectures", {"Qwen3MoeForCausalLM"}},
              {"model_type", "qwen3_moe"},
              {"attention_bias", false},
              {"bos_token_id", 151643},
              {"eos_token_id", 151645},
              {"decoder_sparse_step", 1},
              {"head_dim", model.head_size},
              {"intermediate_size", 6144},
              {"max_window_layers", model.layers},
              {"mlp_only_layers", json::array()},
              {"moe_intermediate_size", model.intermediate},
              {"norm_topk_prob", true},
              {"num_experts", model.experts},
              {"num_experts_per_tok", model.experts > 8 ? 8 : 2},
              {"output_router_logits", false},
              {"rope_scaling", nullptr},
              {"router_aux_loss_coef", 0.001},
              {"sliding_window", nullptr},
              {"use_sliding_window", false},
              {"transformers_version", "4.51.0"}};
    case SynthFamily::mixtral:
      return {{"architectures", {"MixtralForCausalLM"}},
              {"model_type", "mixtral"},
              {"bos_token_id", 1},
              {"eos_token_id", 2},
              {"num_experts_per_tok", 2},
              {"num_local_experts", model.experts},
              {"output_router_logits", false},
              {"rms_norm_eps", 1e-5},
              {"router_aux_loss_coef", 0.02},
              {"sliding_window", nullptr},
              {"transformers_version", "4.36.0.dev0"}};
    case SynthFamily::deepseek_v3:
      return deepseek_config(model, layers);
  }
  return {};
}

}  // namespace

std::span<const SynthModel> synth_models() {
  return models;
}

json synth_config(const SynthModel& model, std::uint32_t layers) {
  json config = shared_config(model, layers);
  config.update(family_config(model, layers));
  return config;
}

}  // namespace plimsoll::cli
