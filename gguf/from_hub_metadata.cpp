#include "gguf/from_hub_metadata.hpp"

#include <limits>
#include <utility>

namespace plimsoll::gguf {
namespace {

using nlohmann::json;
using Names = std::initializer_list<const char*>;

/// Sets keys of one architecture from members of config.json, and notes which have none.
class Keys {
 public:
  Keys(std::string_view architecture, const HubMembers& config, io::GgufMetadata& metadata,
       std::vector<MissingKey>& missing)
      : prefix_(std::string(architecture) + "."),
        config_(config),
        metadata_(metadata),
        missing_(missing) {}

  [[nodiscard]] const HubMembers& config() const noexcept { return config_; }

  void number(const std::string& key, Names names) { set(key, config_.number(names), names); }

  void number(const std::string& key, std::optional<std::uint64_t> value, Names names) {
    set(key, value, names);
  }

  void real(const std::string& key, Names names) { set_real(key, config_.real(names), names); }

  void set_real(const std::string& key, std::optional<double> value, Names names) {
    if (!value) return note(key, names);
    metadata_.replace(prefix_ + key, io::GgufValue::of(static_cast<float>(*value)));
  }

  void text(const std::string& key, std::string_view value) {
    metadata_.replace(prefix_ + key, io::GgufValue::of(value));
  }

 private:
  void set(const std::string& key, std::optional<std::uint64_t> value, Names names) {
    if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return note(key, names);
    metadata_.replace(prefix_ + key, io::GgufValue::of(static_cast<std::uint32_t>(*value)));
  }

  void note(const std::string& key, Names names) {
    missing_.push_back({prefix_ + key, std::string("config.json has no number ") + *names.begin()});
  }

  std::string prefix_;
  const HubMembers& config_;
  io::GgufMetadata& metadata_;
  std::vector<MissingKey>& missing_;
};

std::optional<std::uint64_t> head_size(const HubMembers& config) {
  if (const auto size = config.number({"head_dim"})) return size;
  const auto width = config.number({"hidden_size"});
  const auto heads = config.number({"num_attention_heads"});
  if (!width || !heads || *heads == 0) return std::nullopt;
  return *width / *heads;
}

std::optional<double> real_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::string word_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The whole part of a number, where it has one that counts something.
std::optional<std::uint64_t> whole_part(std::optional<double> number) {
  constexpr double largest = 9007199254740992.0;  // beyond it not every whole number is one
  if (!number || !(*number >= 0 && *number <= largest)) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

void add_yarn_keys(const json& rope, Keys& keys) {
  keys.number("rope.scaling.original_context_length",
              whole_part(real_in(rope, "original_max_position_embeddings")),
              {"original_max_position_embeddings"});
  auto attention = real_in(rope, "attention_factor");
  if (!attention) attention = real_in(rope, "attn_factor");
  const std::pair<const char*, std::optional<double>> factors[] = {
      {"ext_factor", real_in(rope, "extrapolation_factor")},
      {"attn_factor", attention},
      {"beta_fast", real_in(rope, "beta_fast")},
      {"beta_slow", real_in(rope, "beta_slow")}};
  for (const auto& [key, value] : factors) {
    if (value) keys.set_real(std::string("rope.scaling.yarn_") + key, value, {key});
  }
}

void add_rope_keys(Keys& keys) {
  const json rope = keys.config().rope();
  const std::string type = word_in(rope, "rope_type");
  const auto factor = real_in(rope, "factor");
  if ((type == "linear" || type == "yarn") && factor) {
    keys.text("rope.scaling.type", type);
    keys.set_real("rope.scaling.factor", factor, {"factor"});
    if (type == "yarn") add_yarn_keys(rope, keys);
  } else if (type == "su" || type == "longrope") {
    keys.text("rope.scaling.type", "longrope");
  }
  keys.set_real("rope.freq_base", real_in(rope, "rope_theta"), {"rope_theta"});
  if (const auto theta = keys.config().sliding_rope_theta()) {
    keys.set_real("rope.freq_base_swa", theta, {"rope_local_base_freq"});
  }
}

void add_head_sizes(Keys& keys, std::optional<std::uint64_t> size) {
  keys.number("attention.key_length", size, {"head_dim"});
  keys.number("attention.value_length", size, {"head_dim"});
}

/// What all families but the older ones have.
void add_common_keys(Keys& keys) {
  const HubMembers& config = keys.config();
  keys.number("block_count", {"num_hidden_layers"});
  keys.number("context_length", {"max_position_embeddings"});
  keys.number("embedding_length", {"hidden_size"});
  keys.number("feed_forward_length", {"intermediate_size"});
  keys.number("attention.head_count", {"num_attention_heads"});
  keys.number("attention.head_count_kv", {"num_key_value_heads"});
  add_rope_keys(keys);
  keys.real("attention.layer_norm_rms_epsilon", {"rms_norm_eps"});
  if (config.number({"num_local_experts", "num_experts"})) {
    keys.number("expert_count", {"num_local_experts", "num_experts"});
    keys.number("expert_used_count", {"num_experts_per_tok"});
  }
  if (config.has("head_dim")) add_head_sizes(keys, config.number({"head_dim"}));
}

void add_llama_keys(Keys& keys) {
  add_common_keys(keys);
  keys.number("vocab_size", {"vocab_size"});
  keys.number("rope.dimension_count", head_size(keys.config()), {"head_dim"});
}

void add_moe_keys(Keys& keys) {
  add_common_keys(keys);
  for (const auto& [key, member] :
       {std::pair("expert_feed_forward_length", "moe_intermediate_size"),
        {"expert_shared_feed_forward_length", "shared_expert_intermediate_size"}}) {
    if (keys.config().has(member)) keys.number(key, {member});
  }
}

void add_gemma2_keys(Keys& keys) {
  keys.number("context_length", {"max_position_embeddings"});
  keys.number("embedding_length", {"hidden_size"});
  keys.number("block_count", {"num_hidden_layers"});
  keys.number("feed_forward_length", {"intermediate_size"});
  keys.number("attention.head_count", {"num_attention_heads"});
  keys.number("attention.head_count_kv", {"num_key_value_heads", "num_attention_heads"});
  keys.real("attention.layer_norm_rms_epsilon", {"rms_norm_eps"});
  add_head_sizes(keys, keys.config().number({"head_dim"}));
  keys.real("attn_logit_softcapping", {"attn_logit_softcapping"});
  keys.real("final_logit_softcapping", {"final_logit_softcapping"});
  keys.number("attention.sliding_window", {"sliding_window"});
}

void add_gemma3_keys(Keys& keys) {
  add_common_keys(keys);
  const HubMembers& config = keys.config();
  if (config.real({"final_logit_softcapping"}).value_or(0) != 0) {
    keys.real("final_logit_softcapping", {"final_logit_softcapping"});
  }
  if (config.number({"sliding_window_pattern"}) != 1) {
    keys.number("attention.sliding_window", {"sliding_window"});
  }
}

/// How many numbers of a head turn.
std::optional<std::uint64_t> phi3_rotary(const HubMembers& config) {
  const auto width = config.number({"hidden_size"});
  const auto heads = config.number({"num_attention_heads"});
  if (!width || !heads || *heads == 0) return std::nullopt;
  auto part = config.real({"partial_rotary_factor"});
  if (!part) part = real_in(config.rope(), "partial_rotary_factor");
  const auto turning = whole_part(part.value_or(1.0) * static_cast<double>(*width));
  return turning ? std::optional(*turning / *heads) : std::nullopt;
}

void add_phi3_keys(Keys& keys) {
  const HubMembers& config = keys.config();
  keys.number("context_length", {"max_position_embeddings"});
  keys.number("rope.scaling.original_context_length", {"original_max_position_embeddings"});
  keys.number("embedding_length", {"hidden_size"});
  keys.number("feed_forward_length", {"intermediate_size"});
  keys.number("block_count", {"num_hidden_layers"});
  keys.number("attention.head_count", {"num_attention_heads"});
  keys.number("attention.head_count_kv", {"num_key_value_heads", "num_attention_heads"});
  keys.real("attention.layer_norm_rms_epsilon", {"rms_norm_eps"});
  keys.number("rope.dimension_count", phi3_rotary(config), {"hidden_size"});
  keys.set_real("rope.freq_base", real_in(config.rope(), "rope_theta"), {"rope_theta"});
  // Zero tells models without a window from those whose metadata do not tell.
  keys.number("attention.sliding_window", config.number({"sliding_window"}).value_or(0),
              {"sliding_window"});
}

}  // namespace

void set_family_defaults(std::string_view family, HubMembers& config) {
  if (family == "llama" || family == "mistral") {
    if (const auto size = head_size(config)) config.set_default("head_dim", *size);
  }
  if (family == "llama") {
    if (const auto heads = config.number({"num_attention_heads"})) {
      config.set_default("num_key_value_heads", *heads);
    }
  }
  if (family != "gemma3") return;
  config.set_default("max_position_embeddings", 131072u);
  config.set_default("num_attention_heads", 8u);
  config.set_default("num_key_value_heads", 4u);
  config.set_default("head_dim", 256u);
  config.set_default("rms_norm_eps", 1e-6);
  if (!config.has("rope_parameters")) {
    config.set_default("rope_theta", 1'000'000.0);
    config.set_default("rope_local_base_freq", 10'000.0);
  }
}

void add_architecture_keys(std::string_view family, std::string_view architecture,
                           const HubMembers& config, io::GgufMetadata& metadata,
                           std::vector<MissingKey>& missing) {
  Keys keys(architecture, config, metadata, missing);
  if (family == "llama" || family == "mistral" || family == "mixtral") {
    add_llama_keys(keys);
  } else if (family == "qwen2_moe" || family == "qwen3_moe") {
    add_moe_keys(keys);
  } else if (family == "gemma2") {
    add_gemma2_keys(keys);
  } else if (family == "gemma3") {
    add_gemma3_keys(keys);
  } else if (family == "phi3") {
    add_phi3_keys(keys);
  } else {
    add_common_keys(keys);
  }
}

}  // namespace plimsoll::gguf
