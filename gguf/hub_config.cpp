#include "gguf/hub_config.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "codecs/torch_dtype.hpp"
#include "gguf/hub_facts.hpp"

namespace plimsoll::gguf {
namespace {

using nlohmann::json;

/// Models that share their embeddings although their files have an output matrix.
bool always_tied(std::string_view architecture) {
  return architecture == "falcon" || architecture == "bloom";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (from.empty() || from == to) return text;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// The model's name, in which the library writes its own name of the architecture.
std::string model_name(std::string_view name, const Family& family, const HubFacts& facts) {
  std::string_view own = family.model_type;
  if (own.ends_with("_text")) own.remove_suffix(5);
  return replaced(std::string(name), facts.architecture(), own);
}

/// Words, where a number in the file stands for one.
json in_words(std::string_view member, json value) {
  if (member != "scoring_func" || !value.is_number_unsigned()) return value;
  constexpr std::string_view functions[] = {"none", "softmax", "sigmoid"};
  const auto number = value.get<std::uint64_t>();
  return number < std::size(functions) ? functions[number] : "softmax";
}

void add_vocabulary(const HubFacts& facts, json& config) {
  if (config.contains("vocab_size")) return;
  if (const io::GgufValue* tokens = facts.value("tokenizer.ggml.tokens")) {
    config["vocab_size"] = tokens->size();
  } else if (const auto rows = facts.size("token_embd.weight", 0)) {
    config["vocab_size"] = *rows;
  }
}

json rope_scaling(const HubFacts& facts, std::string_view type) {
  json scaling = {{"rope_type", type}, {"factor", *facts.real("rope.scaling.factor")}};
  if (type != "yarn") return scaling;
  if (const auto length = facts.number("rope.scaling.original_context_length")) {
    scaling["original_max_position_embeddings"] = *length;
  }
  for (const auto& [key, member] : {std::pair("yarn_beta_fast", "beta_fast"),
                                    {"yarn_beta_slow", "beta_slow"},
                                    {"yarn_attn_factor", "attention_factor"}}) {
    const auto number = facts.real(std::string("rope.scaling.") + key);
    if (number) scaling[member] = *number;
  }
  return scaling;
}

void add_rope_scaling(const HubFacts& facts, json& config) {
  const io::GgufValue* type = facts.value("rope.scaling.type");
  const auto word = type ? type->string_at(0) : std::nullopt;
  if (!word || !facts.real("rope.scaling.factor")) return;
  if (*word == "linear" || *word == "yarn") config["rope_scaling"] = rope_scaling(facts, *word);
}

json generation_config(const json& config) {
  json generation = json::object();
  for (const char* id :
       {"bos_token_id", "decoder_start_token_id", "eos_token_id", "pad_token_id"}) {
    const auto found = config.find(id);
    if (found != config.end() && !found->is_null()) generation[id] = *found;
  }
  if (!generation.empty()) generation["_from_model_config"] = true;
  return generation;
}

std::vector<std::string> not_told(const Family& family, const HubFacts& facts) {
  std::vector<std::string> members;
  if (facts.has("rope_freqs.weight") && family.name != "gemma4") members.push_back("rope_scaling");
  if (facts.has("rope_factors_long.weight")) members.push_back("rope_scaling");
  if (family.name == "gemma2" || family.name == "gemma3") {
    members.push_back("query_pre_attn_scalar");
  }
  return members;
}

/// Text of a JSON file; bytes of the metadata that are no UTF-8 are replaced.
std::string text_of(const json& members) {
  return members.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

Expected<HubConfig> hub_config(const io::GgufCheckpoint& checkpoint, const Family& family,
                               std::optional<Dtype> dtype) {
  const std::string file = checkpoint.files.empty() ? std::string() : checkpoint.files[0].path;
  const auto architecture = checkpoint.metadata.string_of("general.architecture", file);
  if (!architecture) return fail(architecture.error());
  const HubFacts facts(checkpoint);
  json config = json::object();
  for (const auto& [key, member] : family.config) {
    const io::GgufValue* value = facts.value(key);
    if (value && value->size() > 0) config[member] = in_words(member, json_of(*value));
  }
  config["architectures"] = json::array({family.class_name});
  config["model_type"] = family.model_type;
  config["tie_word_embeddings"] = !facts.has("output.weight") || always_tied(*architecture);
  if (dtype) config["torch_dtype"] = codecs::torch_name(*dtype);
  if (const io::GgufValue* name = checkpoint.metadata.find("general.name")) {
    config["_model_name_or_path"] =
        model_name(name->string_at(0).value_or(std::string_view()), family, facts);
  }
  add_vocabulary(facts, config);
  add_rope_scaling(facts, config);
  add_family_facts(family.name, facts, config);
  const json generation = generation_config(config);
  return HubConfig{text_of(config), generation.empty() ? std::string() : text_of(generation),
                   not_told(family, facts)};
}

}  // namespace plimsoll::gguf
