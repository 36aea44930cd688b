#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "gguf/tensor_types.hpp"
#include "io/gguf_order.hpp"

using namespace plimsoll;
using namespace plimsoll::gguf;
using codecs::ggml::Type;
using nlohmann::json;

namespace {

constexpr std::string_view alphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

Type type_named(const json& name) {
  return codecs::ggml::type_of(name.get<std::string>()).value();
}

io::GgufValue value_of(const json& value) {
  if (value.is_boolean()) return io::GgufValue::of(value.get<bool>());
  if (value.is_number_float()) return io::GgufValue::of(value.get<float>());
  if (value.is_number()) return io::GgufValue::of(value.get<std::uint32_t>());
  REQUIRE(value.is_array());
  if (value[0].is_boolean()) return io::GgufValue::of(true);
  return io::GgufValue::array_of<std::uint32_t>(value.get<std::vector<std::uint32_t>>());
}

io::GgufMetadata metadata_of(const json& model) {
  const std::string architecture = model["architecture"];
  io::GgufMetadata metadata;
  metadata.append("general.architecture", io::GgufValue::of(std::string_view(architecture)));
  for (const auto& [name, value] : model["keys"].items()) {
    metadata.append(architecture + "." + name, value_of(value));
  }
  return metadata;
}

/// A model's tensors in the order that the result has.
std::vector<io::GgufStoredTensor> tensors_of(const json& model) {
  std::vector<io::GgufStoredTensor> tensors;
  for (const json& group : model["groups"]) {
    const bool layered = group["layers"].is_array();
    const int first = layered ? group["layers"][0].get<int>() : 0;
    const int end = layered ? group["layers"][1].get<int>() : 1;
    for (int layer = first; layer < end; ++layer) {
      for (const auto& [pattern, entry] : group["tensors"].items()) {
        std::string name = pattern;
        if (layered) name.replace(name.find("%d"), 2, std::to_string(layer));
        tensors.push_back({name, type_named(entry[1]), entry[0].get<io::Shape>()});
      }
    }
  }
  std::vector<std::string_view> names;
  for (const io::GgufStoredTensor& tensor : tensors) names.push_back(tensor.name);
  std::vector<io::GgufStoredTensor> ordered;
  for (const std::uint32_t i : io::llama_quantize_order(names)) ordered.push_back(tensors[i]);
  return ordered;
}

/// Weights for every tensor, as many as it wants.
io::ImportanceMatrix importance_of(const std::vector<io::GgufStoredTensor>& tensors) {
  io::ImportanceMatrix matrix;
  for (const io::GgufStoredTensor& tensor : tensors) {
    const std::size_t rank = tensor.shape.size();
    const std::uint64_t experts = rank < 3 ? 1 : tensor.shape[rank - 3];
    matrix.tensors.push_back({tensor.name, std::vector<float>(tensor.shape.back() * experts, 1.F)});
  }
  std::ranges::sort(matrix.tensors, {}, &io::TensorImportance::name);
  return matrix;
}

class Model {
 public:
  Model(const json& model, const json& types)
      : model_(model),
        types_(types),
        metadata_(metadata_of(model)),
        tensors_(tensors_of(model)),
        importance_(importance_of(tensors_)) {}

  void check_run(const json& run) const {
    INFO(run.dump());
    const std::string flags = run[1];
    const json more = run.size() > 3 ? run[3] : json::object();
    std::vector<TypeOverride> overrides;
    for (const json& pair : more.value("overrides", json::array())) {
      auto pattern = config::Pattern::compile(pair[0].get<std::string>());
      REQUIRE(pattern.has_value());
      overrides.push_back({std::move(*pattern), type_named(pair[1])});
    }
    TypeOptions options;
    options.pure = flags.find('p') != std::string::npos;
    options.leaves_output = more.contains("leave_output");
    if (more.contains("output_type")) options.output_type = type_named(more["output_type"]);
    if (more.contains("embedding_type")) {
      options.token_embedding_type = type_named(more["embedding_type"]);
    }
    options.overrides = overrides;
    if (flags.find('i') != std::string::npos) options.importance = &importance_;
    const auto choices =
        choose_tensor_types(codecs::ggml::ftype_of(run[0].get<std::string>()).value(), metadata_,
                            tensors_, options, "m.gguf");
    check_outcome(choices, model_["outcomes"][run[2].get<std::size_t>()]);
  }

 private:
  void check_outcome(const Expected<TensorChoices>& choices, const json& outcome) const {
    if (outcome.is_object()) {
      // Vision towers, in whose metadata it looks for heads that are not there.
      if (outcome["error"] == "llama-quantize dies") return;
      REQUIRE_FALSE(choices.has_value());
      if (outcome["error"] == "no importance matrix") {
        CHECK(choices.error().code() == ErrorCode::invalid_argument);
      }
      return;
    }
    if (!choices) FAIL(choices.error().what());
    const std::string letters = outcome;
    REQUIRE(choices->tensors.size() == letters.size());
    std::string differences;
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const TensorChoice& choice = choices->tensors[i];
      const Type wanted = type_named(types_[alphabet.find(letters[i])]);
      if (choice.type == wanted && choice.is_copied == (wanted == tensors_[i].type)) continue;
      differences += tensors_[i].name + " is " +
                     std::string(codecs::ggml::traits_of(choice.type).name) + ", not " +
                     std::string(codecs::ggml::traits_of(wanted).name) + '\n';
    }
    CHECK(differences.empty());
    if (!differences.empty()) FAIL(differences);
  }

  const json& model_;
  const json& types_;
  io::GgufMetadata metadata_;
  std::vector<io::GgufStoredTensor> tensors_;
  io::ImportanceMatrix importance_;
};

}  // namespace

TEST_CASE("tensors of many models get the types that llama-quantize gives them") {
  std::ifstream stream(std::string(PLIMSOLL_GOLDEN_DIR) + "/gguf_types/decisions.json");
  REQUIRE(stream.is_open());
  const json all = json::parse(stream);
  CHECK(all["models"].size() >= 40);
  std::size_t runs = 0;
  for (const auto& [name, entry] : all["models"].items()) {
    INFO(name);
    const Model model(entry, all["types"]);
    for (const json& run : entry["runs"]) {
      model.check_run(run);
      ++runs;
    }
  }
  CHECK(runs > 5000);
}
