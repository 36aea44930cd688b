#include "cli/synth_shapes.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace plimsoll::cli {
namespace {

using nlohmann::json;

constexpr std::uint64_t gigabyte = 1'000'000'000;

enum class Family : std::uint8_t { llama, qwen2, qwen3_moe, mixtral };

struct Model {
  std::string_view name;
  Family family = Family::llama;
  std::uint32_t layers = 0;
  std::uint64_t hidden = 0;
  std::uint64_t intermediate = 0;  // of one expert, where there are experts
  std::uint64_t heads = 0;
  std::uint64_t key_value_heads = 0;
  std::uint64_t head_size = 0;
  std::uint64_t vocabulary = 0;
  std::uint64_t experts = 0;
  bool tied = false;
  std::uint64_t context = 0;
  double rope_theta = 0;
  std::uint64_t shard_bytes = 5 * gigabyte;
};

constexpr std::array models = {
    Model{"tiny", Family::llama, 2, 256, 704, 4, 2, 64, 2048, 0, false, 2048, 10000.0},
    Model{"qwen2.5-0.5b", Family::qwen2, 24, 896, 4864, 14, 2, 64, 151936, 0, true, 32768, 1e6},
    Model{"qwen2.5-1.5b", Family::qwen2, 28, 1536, 8960, 12, 2, 128, 151936, 0, true, 131072, 1e6},
    Model{"qwen2.5-7b", Family::qwen2, 28, 3584, 18944, 28, 4, 128, 152064, 0, false, 131072, 1e6,
          4 * gigabyte},
    Model{"llama3-8b", Family::llama, 32, 4096, 14336, 32, 8, 128, 128256, 0, false, 8192, 5e5},
    Model{"qwen3-30b-a3b", Family::qwen3_moe, 48, 2048, 768, 32, 4, 128, 151936, 128, false, 40960,
          1e6, 4 * gigabyte},
    Model{"mixtral-8x7b", Family::mixtral, 32, 4096, 14336, 32, 8, 128, 32000, 8, false, 32768,
          1e6},
};

/// Collects tensors in the order of the model's state dict.
class TensorLister {
 public:
  explicit TensorLister(const Model& model) : model_(model) {}

  std::vector<SynthTensor> list(std::uint32_t layers) {
    matrix("model.embed_tokens", model_.vocabulary, model_.hidden);
    for (std::uint32_t i = 0; i < layers; ++i) add_layer("model.layers." + std::to_string(i) + ".");
    norm("model.norm", model_.hidden);
    if (!model_.tied) matrix("lm_head", model_.vocabulary, model_.hidden);
    return std::move(tensors_);
  }

 private:
  void matrix(const std::string& module, std::uint64_t rows, std::uint64_t columns) {
    tensors_.push_back({module + ".weight", {rows, columns}, SynthValues::weight});
  }
  void bias(const std::string& module, std::uint64_t size) {
    tensors_.push_back({module + ".bias", {size}, SynthValues::weight});
  }
  void norm(const std::string& module, std::uint64_t size) {
    tensors_.push_back({module + ".weight", {size}, SynthValues::norm});
  }

  void add_layer(const std::string& layer) {
    add_attention(layer + "self_attn.");
    if (model_.family == Family::mixtral) {
      add_mixtral_experts(layer + "block_sparse_moe.");
    } else if (model_.family == Family::qwen3_moe) {
      add_qwen3_experts(layer + "mlp.");
    } else {
      add_gated(layer + "mlp.");
    }
    norm(layer + "input_layernorm", model_.hidden);
    norm(layer + "post_attention_layernorm", model_.hidden);
  }

  void add_attention(const std::string& attention) {
    const std::uint64_t query = model_.heads * model_.head_size;
    const std::uint64_t key = model_.key_value_heads * model_.head_size;
    const std::array<std::pair<const char*, std::uint64_t>, 3> parts = {
        {{"q_proj", query}, {"k_proj", key}, {"v_proj", key}}};
    for (const auto& [part, rows] : parts) {
      matrix(attention + part, rows, model_.hidden);
      if (model_.family == Family::qwen2) bias(attention + part, rows);
    }
    matrix(attention + "o_proj", model_.hidden, query);
    if (model_.family != Family::qwen3_moe) return;
    norm(attention + "q_norm", model_.head_size);
    norm(attention + "k_norm", model_.head_size);
  }

  void add_gated(const std::string& block) {
    matrix(block + "gate_proj", model_.intermediate, model_.hidden);
    matrix(block + "up_proj", model_.intermediate, model_.hidden);
    matrix(block + "down_proj", model_.hidden, model_.intermediate);
  }

  void add_qwen3_experts(const std::string& block) {
    matrix(block + "gate", model_.experts, model_.hidden);
    for (std::uint64_t e = 0; e < model_.experts; ++e) {
      add_gated(block + "experts." + std::to_string(e) + ".");
    }
  }

  void add_mixtral_experts(const std::string& block) {
    matrix(block + "gate", model_.experts, model_.hidden);
    for (std::uint64_t e = 0; e < model_.experts; ++e) {
      const std::string expert = block + "experts." + std::to_string(e) + ".";
      matrix(expert + "w1", model_.intermediate, model_.hidden);
      matrix(expert + "w2", model_.hidden, model_.intermediate);
      matrix(expert + "w3", model_.intermediate, model_.hidden);
    }
  }

  const Model& model_;
  std::vector<SynthTensor> tensors_;
};

json shared_config(const Model& model, std::uint32_t layers) {
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
json family_config(const Model& model) {
  switch (model.family) {
    case Family::llama: {
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
    case Family::qwen2:
      return {{"architectures", {"Qwen2ForCausalLM"}},
              {"model_type", "qwen2"},
              {"bos_token_id", 151643},
              {"eos_token_id", 151643},
              {"max_window_layers", model.layers},
              {"sliding_window", model.context},
              {"use_mrope", false},
              {"use_sliding_window", false},
              {"transformers_version", "4.40.1"}};
    case Family::qwen3_moe:
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
              {"num_experts_per_tok", 8},
              {"output_router_logits", false},
              {"rope_scaling", nullptr},
              {"router_aux_loss_coef", 0.001},
              {"sliding_window", nullptr},
              {"use_sliding_window", false},
              {"transformers_version", "4.51.0"}};
    case Family::mixtral:
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
  }
  return {};
}

const char* tokenizer_class(Family family) {
  if (family == Family::llama) return "PreTrainedTokenizerFast";
  return family == Family::mixtral ? "LlamaTokenizer" : "Qwen2Tokenizer";
}

std::string text_of(const json& object) {
  return object.dump(2) + "\n";
}

}  // namespace

std::vector<std::string_view> synth_shape_names() {
  std::vector<std::string_view> names;
  for (const Model& model : models) names.push_back(model.name);
  return names;
}

Expected<SynthShape> synth_shape(std::string_view name, std::optional<std::uint32_t> layers) {
  const auto model = std::find_if(models.begin(), models.end(),
                                  [&](const Model& candidate) { return candidate.name == name; });
  if (model == models.end()) {
    std::string known;
    for (const Model& candidate : models) known.append(" ").append(candidate.name);
    return fail(ErrorCode::invalid_argument,
                "no shape is called '" + std::string(name) + "'; there are:" + known);
  }
  const std::uint32_t kept = layers.value_or(model->layers);
  if (kept < 1 || kept > model->layers) {
    return fail(ErrorCode::invalid_argument, std::string(name) + " can have 1 to " +
                                                 std::to_string(model->layers) + " layers, not " +
                                                 std::to_string(kept));
  }
  json config = shared_config(*model, kept);
  config.update(family_config(*model));
  SynthShape shape;
  shape.tensors = TensorLister(*model).list(kept);
  shape.shard_bytes = model->shard_bytes;
  shape.generation_config_json =
      text_of({{"bos_token_id", config["bos_token_id"]},
               {"eos_token_id", config["eos_token_id"]},
               {"transformers_version", config["transformers_version"]}});
  shape.tokenizer_config_json = text_of(
      {{"model_max_length", model->context}, {"tokenizer_class", tokenizer_class(model->family)}});
  shape.config_json = text_of(config);
  return shape;
}

}  // namespace plimsoll::cli
