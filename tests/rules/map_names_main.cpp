// Maps names for a script that compares the result with another implementation. Each line of the
// input is an object {architecture, model_type, tie_word_embeddings, names, expected}, the last
// four optional; each line of the output says what became of the names.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rules/inverse_rule.hpp"
#include "rules/name_mapping.hpp"

using nlohmann::json;
using namespace plimsoll::rules;

namespace {

json answer(const RuleSet& set, const json& question) {
  plimsoll::config::HfConfig config;
  config.architecture = question.value("architecture", "");
  config.model_type = question.value("model_type", "");
  if (question.contains("tie_word_embeddings")) {
    config.tie_word_embeddings = question["tie_word_embeddings"].get<bool>();
  }
  const std::vector<std::string> names = question.value("names", std::vector<std::string>());
  const std::vector<std::string> expected = question.value("expected", std::vector<std::string>());
  const auto rules = NameRules::compile(set, set.choose(config).architecture);
  if (!rules) return {{"error", rules.error().what()}};
  const auto mapping = rules->map(
      names, question.contains("expected") ? std::optional(std::span(expected)) : std::nullopt);
  if (!mapping) return {{"error", mapping.error().what()}};
  json out = {{"products", json::array()}, {"unexpected", json::array()},
              {"ignored", json::array()},  {"missing", mapping->missing},
              {"tied", json::object()},    {"problems", json::array()}};
  for (const Product& product : mapping->products) {
    json lists = json::array();
    for (const auto& list : product.sources) {
      json sources = json::array();
      for (std::uint32_t source : list) sources.push_back(names[source]);
      lists.push_back(std::move(sources));
    }
    json entry = {{"targets", product.targets}, {"sources", lists}, {"fp32", product.fp32}};
    if (product.conversion) {
      const Convert& convert = rules->conversion(*product.conversion);
      entry["patterns"] = convert.from;
      for (const Operation& op : convert.operations) entry["operations"].push_back(text_of(op));
    }
    out["products"].push_back(std::move(entry));
  }
  for (const auto& each : mapping->unexpected) out["unexpected"].push_back(each.name);
  for (std::uint32_t source : mapping->ignored) out["ignored"].push_back(names[source]);
  for (const auto& [name, stored] : mapping->tied) out["tied"][name] = stored;
  for (const auto& problem : mapping->problems) {
    out["problems"].push_back(problem.target + ": " + problem.reason);
  }
  return out;
}

json inverse_answer(const RuleSet& set, const std::string& key) {
  json out = json::array();
  for (const Rule& rule : *set.list(key)) {
    const auto inverse = inverse_of(rule);
    out.push_back(inverse ? text_of(*inverse) : inverse.error().what());
  }
  return out;
}

}  // namespace

int main() {
  const plimsoll::Expected<RuleSet> set = RuleSet::shipped();
  if (!set) {
    std::cerr << set.error().what() << '\n';
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const json question = json::parse(line);
    std::cout << (question.contains("inverse") ? inverse_answer(*set, question["inverse"])
                                               : answer(*set, question))
              << std::endl;
  }
}
