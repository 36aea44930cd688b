#include <array>
#include <string>
#include <utility>

#include "cli/synth_deepseek.hpp"
#include "cli/synth_models.hpp"

namespace plimsoll::cli {
namespace {

/// Collects tensors in the order of the model's state dict.
class TensorLister {
 public:
  explicit TensorLister(const SynthModel& model) : model_(model) {}

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
    if (model_.family == SynthFamily::mixtral) {
      add_mixtral_experts(layer + "block_sparse_moe.");
    } else if (model_.family == SynthFamily::qwen3_moe) {
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
      if (model_.family == SynthFamily::qwen2) bias(attention + part, rows);
    }
    matrix(attention + "o_proj", model_.hidden, query);
    if (model_.family != SynthFamily::qwen3_moe) return;
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

  const SynthModel& model_;
  std::vector<SynthTensor> tensors_;
};

}  // namespace

std::vector<SynthTensor> synth_tensors(const SynthModel& model, std::uint32_t layers) {
  if (model.family == SynthFamily::deepseek_v3) return deepseek_tensors(model, layers);
  return TensorLister(model).list(layers);
}

}  // namespace plimsoll::cli
