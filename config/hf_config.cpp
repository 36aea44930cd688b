#include "config/hf_config.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>
#include <vector>

#include "codecs/torch_dtype.hpp"

namespace plimsoll::config {
namespace {

using nlohmann::json;

constexpr std::size_t longest_file = std::size_t{16} << 20;

// Real files nest five deep; the limit keeps a hostile one from building a tower of objects.
constexpr int deepest = 64;

/// Parses one JSON value without exceptions; the failing side is the rule that was broken.
tl::expected<json, std::string> parse(std::string_view text) {
  std::string problem;
  std::vector<std::unordered_set<std::string>> members;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > deepest && problem.empty()) problem = "nested too deeply";
    if (event == json::parse_event_t::object_start) members.emplace_back();
    if (event == json::parse_event_t::object_end && !members.empty()) members.pop_back();
    if (event == json::parse_event_t::key && !members.empty()) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!members.back().insert(key).second && problem.empty()) {
        problem = "\"" + key + "\" is there twice";
      }
    }
    return problem.empty();
  };
  json value = json::parse(text.begin(), text.end(), watch, false);
  if (!problem.empty()) return tl::unexpected(problem);
  if (value.is_discarded()) return tl::unexpected(std::string("not valid JSON"));
  if (!value.is_object()) return tl::unexpected(std::string("not a JSON object"));
  return value;
}

/// The member of an object, or nothing if it is absent or null.
const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// Collects facts; the first wrong type stays in `problem`.
struct Reader {
  std::string problem;

  void wrong(const char* name, const char* expected) {
    if (problem.empty()) problem = std::string("\"") + name + "\" is not " + expected;
  }

  std::string text(const json& object, const char* name) {
    const json* value = member(object, name);
    if (!value) return {};
    if (!value->is_string()) return wrong(name, "a string"), std::string();
    return value->get<std::string>();
  }

  std::optional<bool> flag(const json& object, const char* name) {
    const json* value = member(object, name);
    if (!value) return std::nullopt;
    if (!value->is_boolean()) return wrong(name, "true or false"), std::nullopt;
    return value->get<bool>();
  }

  const json* object(const json& parent, const char* name) {
    const json* value = member(parent, name);
    if (value && !value->is_object()) return wrong(name, "an object"), nullptr;
    return value;
  }

  /// Some composite models name a dtype for each part; that says nothing about one tensor.
  std::optional<Dtype> dtype(const json& object) {
    for (const char* name : {"dtype", "torch_dtype"}) {
      const json* value = member(object, name);
      if (!value || value->is_object()) continue;
      if (!value->is_string()) return wrong(name, "a string"), std::nullopt;
      const auto named = codecs::torch_dtype(value->get_ref<const std::string&>());
      return named && is_floating_point(*named) ? named : std::nullopt;
    }
    return std::nullopt;
  }

  std::string architecture(const json& object) {
    const json* list = member(object, "architectures");
    if (!list) return {};
    if (!list->is_array()) return wrong("architectures", "an array"), std::string();
    if (list->empty()) return {};
    if (!list->front().is_string()) return wrong("architectures", "an array of strings"), "";
    return list->front().get<std::string>();
  }

  /// Rows and columns of a tile; a null among them, or a list of another length, is none of ours.
  std::optional<std::array<std::uint64_t, 2>> tile(const json& object, const char* name) {
    const json* value = member(object, name);
    if (!value) return std::nullopt;
    if (!value->is_array()) return wrong(name, "an array"), std::nullopt;
    const auto counts = [](const json& size) { return size.is_number_unsigned() && size != 0; };
    if (value->size() != 2 || !std::all_of(value->begin(), value->end(), counts)) {
      return std::nullopt;
    }
    return std::array{(*value)[0].get<std::uint64_t>(), (*value)[1].get<std::uint64_t>()};
  }

  struct Member {
    const json* object = nullptr;
    std::string path;
  };

  /// The config of the language model inside a composite one, under the names that are in use.
  Member text_config(const json& config) {
    const std::string thinker = "thinker_config";
    const json* outer = object(config, thinker.c_str());
    const json& parent = outer ? *outer : config;
    for (const char* name :
         {"text_config", "llm_config", "language_config", "decoder", "generator", "text_encoder"}) {
      // Only where it is an object: "decoder" is a mere word in some configs.
      const json* inner = member(parent, name);
      if (inner && inner->is_object()) return {inner, outer ? thinker + "." + name : name};
    }
    return outer ? Member{outer, thinker} : Member{};
  }
};

/// The whole numbers of an object, and of its members that are objects down to `levels` below it.
void read_numbers(const json& object, const std::string& path, int levels, HfConfig& facts) {
  HfConfig::Numbers numbers;
  for (const auto& [name, value] : object.items()) {
    if (value.is_number_unsigned()) numbers.emplace(name, value.get<std::uint64_t>());
    if (value.is_object() && levels > 0) {
      read_numbers(value, path.empty() ? name : path + "." + name, levels - 1, facts);
    }
  }
  if (!path.empty() || !numbers.empty()) facts.numbers.emplace(path, std::move(numbers));
}

}  // namespace

std::optional<std::uint64_t> HfConfig::number(std::string_view path, std::string_view field) const {
  const auto object = numbers.find(path);
  if (object == numbers.end()) return std::nullopt;
  const auto found = object->second.find(field);
  return found == object->second.end() ? std::nullopt : std::optional(found->second);
}

Expected<HfConfig> parse_hf_config(std::string_view text, const std::string& file) {
  const tl::expected<json, std::string> parsed = parse(text);
  if (!parsed) return fail(ErrorCode::malformed, parsed.error(), file);
  const json& config = *parsed;
  Reader reader;
  HfConfig facts;
  facts.model_type = reader.text(config, "model_type");
  facts.architecture = reader.architecture(config);
  facts.tie_word_embeddings = reader.flag(config, "tie_word_embeddings");
  facts.dtype = reader.dtype(config);
  if (const json* quantization = reader.object(config, "quantization_config")) {
    facts.quant_method = reader.text(*quantization, "quant_method");
    facts.weight_block_size = reader.tile(*quantization, "weight_block_size");
  }
  read_numbers(config, "", 2, facts);
  const Reader::Member text_config = reader.text_config(config);
  if (const json* inner = text_config.object) {
    facts.text_path = text_config.path;
    facts.text_model_type = reader.text(*inner, "model_type");
    if (!facts.tie_word_embeddings) {
      facts.tie_word_embeddings = reader.flag(*inner, "tie_word_embeddings");
    }
    if (!facts.dtype) facts.dtype = reader.dtype(*inner);
  }
  if (!reader.problem.empty()) return fail(ErrorCode::malformed, reader.problem, file);
  return facts;
}

Expected<std::optional<HfConfig>> read_hf_config(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "config.json").string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<HfConfig>();
  if (error) return fail(ErrorCode::read_failed, error.message(), path);
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorCode::malformed, "not a regular file", path);
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorCode::read_failed, error.message(), path);
  if (size > longest_file) return fail(ErrorCode::malformed, "longer than 16 MiB", path);
  std::ifstream stream(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.gcount() != static_cast<std::streamsize>(text.size())) {
    return fail(ErrorCode::read_failed, "cannot be read", path);
  }
  Expected<HfConfig> facts = parse_hf_config(text, path);
  if (!facts) return fail(facts.error());
  return std::optional(std::move(*facts));
}

}  // namespace plimsoll::config
