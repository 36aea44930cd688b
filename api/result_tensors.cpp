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
                                        std::span<const ExpectedTensor> expected) {
  std::vector<ExpectedTensor> listed;
  if (expected.empty() && !settings.expect.empty()) {
    auto read = io::read_expected_tensors(settings.expect);
    if (!read) return fail(read.error());
    listed = std::move(*read);
    expected = listed;
  }
  const bool is_listed = !expected.empty() || !settings.expect.empty();
  const auto rules = rule_set(settings, facts);
  if (!rules) return fail(rules.error());
  auto assembly =
      plan::assemble(catalogue, *rules, facts,
                     settings.layout == config::Layout::hub ? plan::TargetLayout::hub
                                                            : plan::TargetLayout::transformers,
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
