#include "gguf/hub_facts.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll::gguf {
namespace {

using nlohmann::json;

json element_of(const io::GgufValue& value, std::uint64_t index) {
  if (const auto text = value.string_at(index)) return *text;
  if (const auto truth = value.bool_at(index)) return *truth;
  if (const auto number = value.unsigned_at(index)) return *number;
  if (const auto number = value.signed_at(index)) return *number;
  if (const auto number = value.float_at(index)) return *number;
  return nullptr;
}

std::vector<std::string_view> names_of(const io::GgufCheckpoint& checkpoint) {
  std::vector<std::string_view> names;
  names.reserve(checkpoint.tensors.size());
  for (const io::GgufTensor& tensor : checkpoint.tensors) names.push_back(tensor.name);
  return names;
}

void set_if(json& config, const char* member, const std::optional<std::uint64_t>& number) {
  if (number) config[member] = *number;
}

/// The largest of a number or of several; null if it is neither.
json largest(const json& value) {
  if (!value.is_array()) return value;
  const auto found = std::max_element(value.begin(), value.end());
  return found == value.end() ? json() : *found;
}

void add_biases(const HubFacts& facts, const char* attention, const char* mlp, json& config) {
  if (facts.has("blk.0.attn_q.bias")) config[attention] = true;
  if (mlp && facts.has("blk.0.ffn_up.bias")) config[mlp] = true;
}

/// How much of each head turns.
void add_partial_rotary(const HubFacts& facts, json& config) {
  const auto turning = facts.number("rope.dimension_count");
  const auto width = facts.number("embedding_length");
  const auto heads = facts.number("attention.head_count");
  if (!turning || !width || !heads || *heads == 0 || *width / *heads == 0) return;
  config["partial_rotary_factor"] =
      static_cast<double>(*turning) / static_cast<double>(*width / *heads);
}

void add_routed_sizes(const HubFacts& facts, json& config) {
  if (!config.contains("moe_intermediate_size")) {
    set_if(config, "moe_intermediate_size", facts.size("blk.0.ffn_gate_exps.weight", 1));
  }
}

void qwen2_moe(const HubFacts& facts, json& config) {
  add_routed_sizes(facts, config);
  if (!config.contains("shared_expert_intermediate_size")) {
    set_if(config, "shared_expert_intermediate_size", facts.size("blk.0.ffn_gate_shexp.weight", 0));
  }
}

void qwen3_moe(const HubFacts& facts, json& config) {
  add_routed_sizes(facts, config);
  add_biases(facts, "attention_bias", nullptr, config);
  // The metadata do not tell; every model of the family has it.
  config["norm_topk_prob"] = true;
}

void minimax_m2(const HubFacts&, json& config) {
  config["use_routing_bias"] = true;
}

void gpt_oss(const HubFacts&, json& config) {
  if (config.contains("rope_scaling")) config["rope_scaling"]["truncate"] = false;
}

void lfm2(const HubFacts& facts, json& config) {
  config["block_auto_adjust_ff_dim"] = false;
  config["conv_bias"] = facts.any_has("shortconv.in_proj.bias");
  for (const char* id : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    config.emplace(id, nullptr);
  }
  if (config.contains("rope_theta")) {
    config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", config["rope_theta"]}};
    config.erase("rope_theta");
  }
  if (!config.contains("num_key_value_heads")) return;
  json& heads = config["num_key_value_heads"];
  json types = json::array();
  for (const json& count : heads.is_array() ? heads : json::array({heads})) {
    types.push_back(count == 0 ? "conv" : "full_attention");
  }
  config["layer_types"] = std::move(types);
  heads = largest(heads);
}

void falcon(const HubFacts& facts, json& config) {
  if (facts.has("blk.0.attn_norm_2.weight")) config["new_decoder_architecture"] = true;
  if (facts.has("blk.0.attn_qkv.bias")) config["bias"] = true;
  set_if(config, "ffn_hidden_size", facts.number("feed_forward_length"));
  const auto keys = facts.number("attention.head_count_kv");
  if (keys && *keys > 1) {
    config["num_kv_heads"] = *keys;
    config["multi_query"] = false;
  }
}

void phi3(const HubFacts& facts, json& config) {
  add_partial_rotary(facts, config);
  const auto window = facts.number("attention.sliding_window");
  if (window && *window > 0) config["sliding_window"] = *window;
  config.erase("rope_scaling");  // its factors are not in the metadata
}

void stablelm(const HubFacts& facts, json& config) {
  add_partial_rotary(facts, config);
  config["use_qkv_bias"] =
      facts.any_has("attn_q.bias") || facts.any_has("attn_k.bias") || facts.any_has("attn_v.bias");
  config["use_parallel_residual"] = !facts.any_has("ffn_norm");
  if (facts.any_has("attn_q_norm")) config["qk_layernorm"] = true;
}

void starcoder2(const HubFacts& facts, json& config) {
  config["use_bias"] = facts.any_has("attn_q.bias");
}

void nemotron(const HubFacts& facts, json& config) {
  add_partial_rotary(facts, config);
  add_biases(facts, "attention_bias", "mlp_bias", config);
}

void gpt2(const HubFacts& facts, json& config) {
  set_if(config, "n_positions", facts.number("context_length"));
  set_if(config, "n_inner", facts.number("feed_forward_length"));
}

void mamba(const HubFacts& facts, json& config) {
  const auto inner = facts.number("ssm.inner_size");
  const auto width = facts.number("embedding_length");
  if (inner && width && *width > 0 && *inner % *width == 0) config["expand"] = *inner / *width;
  config["use_conv_bias"] = facts.any_has("ssm_conv1d.bias");
  config["use_bias"] = facts.any_has("ssm_in.bias");
}

void t5(const HubFacts& facts, json& config) {
  const bool gated = facts.any_has("ffn_gate");
  config["is_gated_act"] = gated;
  config["feed_forward_proj"] = gated ? "gated-gelu" : "relu";
}

/// The number of one kind of layers: `value` is that of all, or has one for each.
json of_layers(const json& value, const json& types, std::string_view kind) {
  if (!value.is_array()) return value;
  for (std::size_t i = 0; i < value.size() && i < types.size(); ++i) {
    if (types[i] == kind) return value[i];
  }
  return nullptr;
}

void gemma4_layers(const HubFacts& facts, json& config) {
  const io::GgufValue* pattern = facts.value("attention.sliding_window_pattern");
  if (pattern && pattern->is_array()) {
    json types = json::array();
    for (std::uint64_t layer = 0; layer < pattern->size(); ++layer) {
      const bool sliding = pattern->bool_at(layer).value_or(false);
      types.push_back(sliding ? "sliding_attention" : "full_attention");
    }
    config["layer_types"] = std::move(types);
  }
}

void gemma4(const HubFacts& facts, json& config) {
  // The library's choice of tokens that end a text, whatever the file says.
  config["eos_token_id"] = json::array({1, 106, 50});
  gemma4_layers(facts, config);
  const json types = config.value("layer_types", json::array());
  if (const io::GgufValue* value = facts.value("attention.head_count_kv")) {
    const json heads = json_of(*value);
    config["num_key_value_heads"] = of_layers(heads, types, "sliding_attention");
    if (heads.is_array()) {
      config["num_global_key_value_heads"] = of_layers(heads, types, "full_attention");
    }
  }
  if (const io::GgufValue* value = facts.value("feed_forward_length")) {
    const json widths = json_of(*value);
    config["intermediate_size"] = widths.is_array() && !widths.empty() ? widths.front() : widths;
    if (widths.is_array() && !widths.empty() && largest(widths) != widths.front()) {
      config["use_double_wide_mlp"] = true;
    }
  }
  set_if(config, "vocab_size_per_layer_input", facts.size("per_layer_token_embd.weight", 0));
  if (facts.any_has("ffn_gate_inp")) config["enable_moe_block"] = true;
  // A layer without values takes its keys for them.
  const auto layers = facts.number("block_count").value_or(0);
  const auto shared = facts.number("attention.shared_kv_layers").value_or(0);
  for (std::uint64_t layer = 0; layer < std::min<std::uint64_t>(layers, types.size()); ++layer) {
    const std::string at = "blk." + std::to_string(layer);
    if (layer + shared < layers && facts.has(at + ".attn_k.weight") &&
        !facts.has(at + ".attn_v.weight")) {
      config["attention_k_eq_v"] = true;
    }
  }
}

void llama(const HubFacts& facts, json& config) {
  add_biases(facts, "attention_bias", "mlp_bias", config);
}

void with_attention_bias(const HubFacts& facts, json& config) {
  add_biases(facts, "attention_bias", nullptr, config);
}

void qwen3(const HubFacts& facts, json& config) {
  with_attention_bias(facts, config);
  // Without it the library takes 128, whatever the model's width is.
  if (!config.contains("head_dim")) {
    set_if(config, "head_dim", facts.size("blk.0.attn_q_norm.weight", 0));
  }
}

}  // namespace

json json_of(const io::GgufValue& value) {
  if (value.size() == 1) return element_of(value, 0);
  json elements = json::array();
  for (std::uint64_t i = 0; i < value.size(); ++i) elements.push_back(element_of(value, i));
  return elements;
}

HubFacts::HubFacts(const io::GgufCheckpoint& checkpoint)
    : checkpoint_(checkpoint), tensors_(names_of(checkpoint)) {
  const io::GgufValue* value = checkpoint.metadata.find("general.architecture");
  if (value) architecture_ = value->string_at(0).value_or(std::string_view());
}

const io::GgufValue* HubFacts::value(std::string_view key) const {
  if (key.starts_with("tokenizer.")) return checkpoint_.metadata.find(key);
  return checkpoint_.metadata.find(architecture_ + "." + std::string(key));
}

std::optional<std::uint64_t> HubFacts::number(std::string_view key) const {
  const io::GgufValue* found = value(key);
  return found && found->size() == 1 ? found->unsigned_at(0) : std::nullopt;
}

std::optional<double> HubFacts::real(std::string_view key) const {
  const io::GgufValue* found = value(key);
  return found && found->size() == 1 ? found->float_at(0) : std::nullopt;
}

bool HubFacts::has(std::string_view tensor) const noexcept {
  return tensors_.find(tensor).has_value();
}

std::optional<std::uint64_t> HubFacts::size(std::string_view tensor,
                                            std::size_t axis) const noexcept {
  const auto found = tensors_.find(tensor);
  if (!found || axis >= checkpoint_.tensors[*found].shape.size()) return std::nullopt;
  return checkpoint_.tensors[*found].shape[axis];
}

bool HubFacts::any_has(std::string_view text) const noexcept {
  return std::ranges::any_of(checkpoint_.tensors, [&](const io::GgufTensor& tensor) {
    return tensor.name.find(text) != std::string::npos;
  });
}

void add_family_facts(std::string_view family, const HubFacts& facts, json& config) {
  struct Adder {
    std::string_view family;
    void (*add)(const HubFacts&, json&);
  };
  constexpr Adder adders[] = {
      {"falcon", falcon},
      {"gemma2", with_attention_bias},
      {"gemma3", with_attention_bias},
      {"gemma4", gemma4},
      {"gpt2", gpt2},
      {"gpt_oss", gpt_oss},
      {"lfm2", lfm2},
      {"llama", llama},
      {"mamba", mamba},
      {"minimax_m2", minimax_m2},
      {"nemotron", nemotron},
      {"phi3", phi3},
      {"qwen2_moe", qwen2_moe},
      {"qwen3", qwen3},
      {"qwen3_moe", qwen3_moe},
      {"stablelm", stablelm},
      {"starcoder2", starcoder2},
      {"t5", t5},
      {"t5_encoder", t5},
      {"umt5", t5},
      {"umt5_encoder", t5},
  };
  for (const Adder& adder : adders) {
    if (adder.family == family) adder.add(facts, config);
  }
}

}  // namespace plimsoll::gguf
