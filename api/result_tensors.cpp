#include "api/result_tensors.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "api/recipe.hpp"
#include "config/parallel_patterns.hpp"
#include "io/expected_tensors.hpp"
#include "plan/parallel_slices.hpp"
#include "rules/rule_set.hpp"

namespace plimsoll {
namespace {

Expected<rules::RuleSet> rule_set(const config::RecipeSettings& settings,
                                  const std::optional<config::HfConfig>& facts) {
  auto rules = rules::RuleSet::shipped_for(facts.value_or(config::HfConfig{}));
  if (!rules || settings.rules.empty()) return rules;
  if (auto added = rules->add_directory(settings.rules); !added) return fail(added.error());
  return rules;
}

/// Rules that do nothing but put a GGUF model's tensors together.
Expected<rules::RuleSet> joining_rules(const std::vector<std::string>& joins,
                                       const config::HfConfig& facts) {
  std::string text = "[rules.joins]\nlist = [\n";
  for (const std::string& rule : joins) text += "'''" + rule + "''',\n";
  text += "]\n[[architectures.gguf]]\nclasses = [\"" + facts.architecture +
          "\"]\nrules = [\"joins\"]\n";
  rules::RuleSet rules;
  if (auto added = rules.add_text(text, "joins"); !added) return fail(added.error());
  return rules;
}

/// The user's patterns say what kind a tensor is, the shipped ones how it is packed.
Expected<plan::SliceTest> slice_test(const config::RecipeSettings& settings,
                                     const std::optional<config::HfConfig>& facts) {
  const auto patterns = std::make_shared<const config::ParallelPatterns>(facts, settings.layout);
  std::vector<std::pair<plan::NameTest, config::SliceKind>> rules;
  for (const config::SliceRule& rule : settings.slice) {
    auto test = name_test(rule.pattern);
    if (!test) return fail(test.error());
    rules.emplace_back(std::move(*test), rule.kind);
  }
  return [patterns, rules](std::string_view name, const io::Shape&) -> Expected<config::Slice> {
    config::Slice slice = patterns->slice(name);
    for (const auto& [test, kind] : rules) {
      const Expected<bool> found = test(name);
      if (!found) return fail(found.error());
      if (!*found) continue;
      slice.kind = kind;
      break;
    }
    return slice;
  };
}

}  // namespace

Expected<plan::Assembly> result_tensors(const io::Catalogue& catalogue,
                                        const std::optional<config::HfConfig>& facts,
                                        const config::RecipeSettings& settings,
                                        std::span<const ExpectedTensor> expected,
                                        const std::vector<std::string>& joins) {
  if (settings.layout == config::Layout::gguf) {
    plan::Assembly assembly;
    assembly.blueprints = plan::as_stored(catalogue);
    return assembly;
  }
  std::vector<ExpectedTensor> listed;
  if (expected.empty() && !settings.expect.empty()) {
    auto read = io::read_expected_tensors(settings.expect);
    if (!read) return fail(read.error());
    listed = std::move(*read);
    expected = listed;
  }
  const bool is_listed = !expected.empty() || !settings.expect.empty();
  const auto rules = joins.empty() ? rule_set(settings, facts) : joining_rules(joins, *facts);
  if (!rules) return fail(rules.error());
  const bool is_hub = settings.layout == config::Layout::hub && joins.empty();
  auto assembly = plan::assemble(
      catalogue, *rules, facts, is_hub ? plan::TargetLayout::hub : plan::TargetLayout::transformers,
      is_listed ? std::optional(expected) : std::nullopt);
  if (!assembly || !settings.parallel) return assembly;
  const auto test = slice_test(settings, facts);
  if (!test) return fail(test.error());
  auto share = plan::parallel_share(std::move(assembly->blueprints),
                                    {settings.parallel->rank, settings.parallel->count}, *test);
  if (!share) return fail(share.error());
  assembly->blueprints = std::move(*share);
  return assembly;
}

}  // namespace plimsoll
