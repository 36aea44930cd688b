// What the reference library quantizes of a model, for the model classes in
// golden/config/reference_models.json: made with transformers 5.23.0, default configurations with
// few layers, from the modules whose type is torch.nn.Linear and get_keys_to_not_convert.
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "config/linear_weights.hpp"
#include "config/skip_defaults.hpp"

using namespace plimsoll::config;
using nlohmann::json;
using Names = std::set<std::string>;
using Tensors = std::vector<std::pair<std::string, int>>;  // name and rank, in natural order

namespace {

json reference_models() {
  std::ifstream stream(PLIMSOLL_GOLDEN_DIR "/config/reference_models.json");
  REQUIRE(stream.is_open());
  return json::parse(stream);
}

bool is_linear(const LinearRule& rule, const std::string& name, std::size_t rank,
               const std::string& type) {
  return rule.is_linear_weight(name, plimsoll::Dtype::bf16, std::vector<std::uint64_t>(rank, 8),
                               type);
}

}  // namespace

TEST_CASE("linear weights are those that the reference library's models make linear layers of") {
  const LinearRule rule;
  for (const json& model : reference_models()) {
    const std::string type = model["type"];
    Names linear = model["linear"];
    // Patch embeddings are left alone on purpose, also where a model makes a linear layer of them.
    std::erase_if(linear, [](const std::string& name) {
      return name.find("patch_embed") != std::string::npos;
    });
    Names found;
    for (const auto& [name, rank] : model["tensors"].get<Tensors>()) {
      if (rank == 2 && is_linear(rule, name, 2, type)) found.insert(name);
    }
    INFO(model["architecture"]);
    CHECK(found == linear);
  }
}

TEST_CASE("merged experts are the tensors of rank three that the models keep experts in") {
  const LinearRule rule;
  std::size_t seen = 0;
  for (const json& model : reference_models()) {
    const Names experts = model["experts"];
    Names found;
    for (const auto& [name, rank] : model["tensors"].get<Tensors>()) {
      if (rank == 3 && is_linear(rule, name, 3, model["type"])) found.insert(name);
    }
    INFO(model["architecture"]);
    CHECK(found == experts);
    seen += experts.size();
  }
  CHECK(seen > 20);
}

TEST_CASE("the default skip list leaves out the linear weights that the reference library does") {
  const SkipDefaults defaults;
  for (const json& model : reference_models()) {
    HfConfig facts;
    facts.model_type = model["type"];
    facts.architecture = model["architecture"];
    if (model["tied"].is_boolean()) facts.tie_word_embeddings = model["tied"].get<bool>();
    const Names linear = model["linear"];
    std::vector<std::string> names;
    for (const auto& [name, rank] : model["tensors"].get<Tensors>()) names.push_back(name);
    Names found;
    for (const SkippedModule& skipped : defaults.modules(facts, names)) {
      const std::string name = skipped.module + ".weight";
      if (linear.contains(name)) found.insert(name);
    }
    INFO(model["architecture"]);
    CHECK(found == model["skipped"].get<Names>());
  }
}
