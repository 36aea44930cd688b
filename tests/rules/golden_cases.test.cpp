#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rules/name_mapping.hpp"

using nlohmann::json;
using plimsoll::Expected;
using namespace plimsoll::rules;

namespace {

/// A checkpoint of the reference library and the model that the library loads it into.
struct Case {
  std::string name;
  plimsoll::config::HfConfig config;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, std::string> tied;
  std::vector<std::string> kept_in_fp32;
};

std::vector<Case> cases() {
  std::ifstream stream(std::string(PLIMSOLL_GOLDEN_DIR) + "/convert/names.json");
  REQUIRE(stream.is_open());
  std::vector<Case> out;
  const json all = json::parse(stream);
  for (const auto& [name, entry] : all.items()) {
    const auto config = plimsoll::config::parse_hf_config(entry["config"].dump(), "config.json");
    REQUIRE(config.has_value());
    out.push_back(
        {name, *config, entry["inputs"], entry["outputs"], entry["tied"], entry["kept_in_fp32"]});
  }
  return out;
}

NameRules rules_of(const Case& example) {
  static const RuleSet set = RuleSet::shipped().value();
  const Choice choice = set.choose(example.config);
  CHECK(choice.known);
  Expected<NameRules> rules = NameRules::compile(set, choice.architecture);
  REQUIRE(rules.has_value());
  return std::move(*rules);
}

std::vector<std::string> targets(const NameMapping& mapping) {
  std::vector<std::string> out;
  for (const Product& product : mapping.products) {
    out.insert(out.end(), product.targets.begin(), product.targets.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Every tensor of the checkpoint goes into one product.
void check_sources_once(const NameMapping& mapping, std::size_t names) {
  std::vector<int> uses(names, 0);
  for (const Product& product : mapping.products) {
    for (const auto& list : product.sources) {
      for (std::uint32_t source : list) ++uses.at(source);
    }
  }
  CHECK(uses == std::vector<int>(names, 1));
}

}  // namespace

TEST_CASE("the names of the reference checkpoints become those of the reference models") {
  const std::vector<Case> all = cases();
  CHECK(all.size() == 7);
  for (const Case& example : all) {
    const NameRules rules = rules_of(example);
    std::vector<std::string> model = example.outputs;
    for (const auto& [name, stored] : example.tied) model.push_back(name);
    for (bool listed : {true, false}) {
      INFO(example.name << (listed ? ", the model's names known" : ", without the model's names"));
      const Expected<NameMapping> mapping =
          rules.map(example.inputs,
                    listed ? std::optional(std::span<const std::string>(model)) : std::nullopt);
      REQUIRE(mapping.has_value());
      CHECK(targets(*mapping) == example.outputs);
      CHECK(std::map<std::string, std::string>(mapping->tied.begin(), mapping->tied.end()) ==
            example.tied);
      std::vector<std::string> fp32;
      for (const Product& product : mapping->products) {
        if (product.fp32) fp32.insert(fp32.end(), product.targets.begin(), product.targets.end());
      }
      std::sort(fp32.begin(), fp32.end());
      CHECK(fp32 == example.kept_in_fp32);
      CHECK(mapping->unexpected.empty());
      CHECK(mapping->missing.empty());
      CHECK(mapping->problems.empty());
      CHECK(mapping->open.empty() == listed);
      check_sources_once(*mapping, example.inputs.size());
    }
  }
}

TEST_CASE("experts come in the order of their numbers, gate before up") {
  for (const Case& example : cases()) {
    if (example.name != "mixtral") continue;
    const NameRules rules = rules_of(example);
    const Expected<NameMapping> mapping = rules.map(example.inputs, std::nullopt);
    REQUIRE(mapping.has_value());
    bool seen = false;
    for (const Product& product : mapping->products) {
      if (product.targets[0] != "model.layers.1.mlp.experts.gate_up_proj") continue;
      seen = true;
      REQUIRE(product.conversion.has_value());
      CHECK(rules.conversion(*product.conversion).operations ==
            std::vector<Operation>{MergeModulelist{0}, Concatenate{1, ""}});
      REQUIRE(product.sources.size() == 2);
      for (std::size_t list = 0; list < 2; ++list) {
        REQUIRE(product.sources[list].size() == 11);
        for (std::size_t expert = 0; expert < 11; ++expert) {
          CHECK(example.inputs[product.sources[list][expert]] ==
                "model.layers.1.block_sparse_moe.experts." + std::to_string(expert) +
                    (list == 0 ? ".w1.weight" : ".w3.weight"));
        }
      }
    }
    CHECK(seen);
  }
}
