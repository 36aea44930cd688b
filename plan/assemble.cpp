#include "plan/assemble.hpp"

#include <utility>

#include "plan/hub_layout.hpp"
#include "plan/model_layout.hpp"
#include "plan/tile_scales.hpp"
#include "rules/name_mapping.hpp"

namespace plimsoll::plan {

Expected<Assembly> assemble(const io::Catalogue& catalogue, const rules::RuleSet& rules,
                            const std::optional<config::HfConfig>& config, TargetLayout layout,
                            std::optional<std::span<const ExpectedTensor>> expected) {
  const config::HfConfig facts = config.value_or(config::HfConfig{});
  Expected<ScalePairs> pairs = find_tile_scales(catalogue, &facts);
  if (!pairs) return fail(pairs.error());
  if (layout == TargetLayout::transformers) {
    return model_layout(catalogue, std::move(*pairs), rules, facts, expected);
  }
  Assembly report;
  if (expected) {
    Expected<Assembly> model = model_layout(catalogue, *pairs, rules, facts, expected);
    if (!model) return model;
    report = std::move(*model);
  } else {
    report.open_checks = {
        std::string(rules::text_of(rules::OpenCheck::missing)),
        std::string(rules::text_of(rules::OpenCheck::unexpected)),
    };
  }
  report.lost_scales.clear();
  report.blueprints = {};
  return hub_layout(catalogue, std::move(*pairs), rules, facts, std::move(report));
}

}  // namespace plimsoll::plan
