#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rules/name_mapping.hpp"
#include "rules/rule_set.hpp"

using nlohmann::json;
using plimsoll::Expected;
using namespace plimsoll::rules;

namespace {

/// The reference: the library's own rules, taken out of it by a program.
json table() {
  std::ifstream stream(std::string(PLIMSOLL_GOLDEN_DIR) + "/rules/conversion_table.json");
  REQUIRE(stream.is_open());
  return json::parse(stream);
}

const RuleSet& shipped() {
  static const RuleSet set = [] {
    Expected<RuleSet> read = RuleSet::shipped();
    INFO((read ? std::string() : std::string(read.error().what())));
    REQUIRE(read.has_value());
    return std::move(*read);
  }();
  return set;
}

json operation_json(const Operation& operation) {
  struct Visitor {
    static json dim(const char* name, std::uint32_t dim) { return {{"op", name}, {"dim", dim}}; }
    json operator()(const MergeModulelist& op) const { return dim("MergeModulelist", op.dim); }
    json operator()(const SplitModulelist& op) const { return dim("SplitModulelist", op.dim); }
    json operator()(const Concatenate& op) const {
      json out = dim("Concatenate", op.dim);
      if (!op.parts.empty()) out["num_shards_attribute"] = op.parts;
      return out;
    }
    json operator()(const Chunk& op) const {
      json out = dim("Chunk", op.dim);
      if (!op.parts.empty()) out["num_shards_attribute"] = op.parts;
      return out;
    }
    json operator()(const Split& op) const { return dim("Split", op.dim); }
    json operator()(const Transpose& op) const {
      json out = {{"op", "Transpose"}, {"dim0", op.dim0}, {"dim1", op.dim1}};
      if (op.if_shape_differs) out["check_dims"] = true;
      return out;
    }
    json operator()(const Interleave& op) const {
      json out = dim("Interleave", op.dim);
      if (op.inverse) out["inverse"] = true;
      return out;
    }
    json operator()(const PermuteForRope& op) const {
      json out = {{"op", "PermuteForRope"}};
      if (!op.config.empty()) out["subconfig_key"] = op.config;
      if (!op.only.empty()) out["permute_layer_names"] = op.only;
      if (op.inverse) out["inverse"] = true;
      return out;
    }
    json operator()(const ErnieFuseAndSplit& op) const {
      return {{"op", "ErnieFuseAndSplitTextVisionExperts"},
              {"stack_dim", op.stack},
              {"concat_dim", op.concatenate}};
    }
    json operator()(const ErnieSplitAndDecouple&) const { return "not in the table"; }
    json operator()(const Conv3dToLinear&) const { return "not in the table"; }
    json operator()(const LinearToConv3d&) const { return "not in the table"; }
  };
  return std::visit(Visitor{}, operation);
}

json rule_json(const Rule& rule) {
  struct Visitor {
    json operator()(const Rename& rule) const {
      json out = {{"kind", "rename"}, {"from", rule.from}, {"to", {rule.to}}};
      if (!rule.back.empty()) out["save_from"] = rule.back;
      return out;
    }
    json operator()(const PrefixChange& rule) const {
      json out = {{"kind", "prefix"}};
      out[rule.add ? "prefix_to_add" : "prefix_to_remove"] = rule.prefix;
      if (!rule.below.empty()) out["model_prefix"] = rule.below;
      return out;
    }
    json operator()(const GroupRename& rule) const {
      return {{"kind", "group_rename"}, {"from", rule.from}, {"to", rule.to}};
    }
    json operator()(const IndexRename& rule) const {
      return {{"kind", "index_rename"},
              {"from", {rule.from}},
              {"to", {rule.to}},
              {"offset", rule.offset}};
    }
    json operator()(const Convert& rule) const {
      json out = {{"kind", "convert"}, {"from", rule.from}, {"to", rule.to}};
      for (const Operation& operation : rule.operations) {
        out["ops"].push_back(operation_json(operation));
      }
      if (!rule.back.empty()) out["save_from"] = rule.back;
      return out;
    }
  };
  return std::visit(Visitor{}, rule);
}

json list_json(const std::vector<Rule>& rules) {
  json out = json::array();
  for (const Rule& rule : rules) out.push_back(rule_json(rule));
  return out;
}

json architecture_json(const Architecture& facts) {
  json out = {{"type", facts.model_type}, {"base", facts.base}};
  for (const ListUse& use : facts.lists) {
    out["rules"].push_back({use.key, use.scope ? json(*use.scope) : json()});
  }
  if (!facts.fp32.empty()) out["fp32"] = facts.fp32;
  if (!facts.fp32_if_fp16.empty()) out["fp32_if_fp16"] = facts.fp32_if_fp16;
  for (const auto& [name, stored] : facts.tied) out["tied"][name] = stored;
  if (facts.tied_count > 0) out["tied"] = facts.tied_count;
  if (!facts.ignore_unexpected.empty()) out["ignore_unexpected"] = facts.ignore_unexpected;
  if (!facts.ignore_missing.empty()) out["ignore_missing"] = facts.ignore_missing;
  return out;
}

/// Tensors that the library itself keeps in fp32 in a bf16 model, as loading tiny ones shows, and
/// that the reference table does not list. Of the class with a head; of the base without "model.".
const std::map<std::string, std::vector<std::string>> unlisted_fp32 = {
    {"beam", {"model.layers.*.mlp.gate.e_score_correction_bias", "model.layers.*.mlp.gate.weight"}},
    {"flint", {"model.layers.*.mlp.gate.weight"}},
    {"deepseek_v4",
     {"model.layers.*.mlp.gate.e_score_correction_bias",
      "model.layers.*.self_attn.compressor.indexer.kv_norm.weight",
      "model.layers.*.self_attn.compressor.indexer.position_bias"}},
};

/// The reference's facts of a class, with what its table leaves out.
json completed(const std::string& name, json facts) {
  const auto more = unlisted_fp32.find(facts["type"]);
  if (more == unlisted_fp32.end()) return facts;
  for (std::string tensor : more->second) {
    if (!name.ends_with("ForCausalLM")) tensor.erase(0, std::string("model.").size());
    facts["fp32"].push_back(tensor);
  }
  std::sort(facts["fp32"].begin(), facts["fp32"].end());
  return facts;
}

json with_sorted_fp32(json facts) {
  if (facts.contains("fp32")) std::sort(facts["fp32"].begin(), facts["fp32"].end());
  return facts;
}

}  // namespace

TEST_CASE("the shipped lists are those of the reference, in content and order") {
  json reference = table();
  for (const auto& [alias, key] : reference["aliases"].items()) {
    reference["rules"][alias] = reference["rules"][key.get<std::string>()];
  }
  CHECK(reference["rules"].size() == 251);
  CHECK(shipped().lists().size() == 251);
  for (const auto& [key, rules] : reference["rules"].items()) {
    INFO(key);
    const std::vector<Rule>* list = shipped().list(key);
    REQUIRE(list);
    CHECK(list_json(*list) == rules);
  }
}

TEST_CASE("the shipped architectures are those of the reference") {
  const json reference = table();
  CHECK(reference["architectures"].size() == 1674);
  CHECK(shipped().architectures().size() == 1674);
  for (const auto& [name, facts] : reference["architectures"].items()) {
    INFO(name);
    const Architecture* architecture = shipped().architecture(name);
    REQUIRE(architecture);
    CHECK(with_sorted_fp32(architecture_json(*architecture)) ==
          with_sorted_fp32(completed(name, facts)));
  }
}

TEST_CASE("every rule of the shipped lists reads back from its written form") {
  for (const auto& [key, rules] : shipped().lists()) {
    for (const Rule& rule : rules) {
      INFO(key << ": " << text_of(rule));
      const Expected<Rule> read = parse_rule(text_of(rule));
      REQUIRE(read.has_value());
      CHECK(*read == rule);
    }
  }
}

TEST_CASE("the rules of every architecture compile") {
  std::set<std::string> seen;
  for (const auto& [name, facts] : shipped().architectures()) {
    std::string lists;
    for (const ListUse& use : facts.lists) lists += use.key + "@" + use.scope.value_or("-") + " ";
    if (!seen.insert(lists + facts.base).second) continue;
    INFO(name);
    CHECK(NameRules::compile(shipped(), facts).has_value());
  }
  CHECK(seen.size() > 300);
}
