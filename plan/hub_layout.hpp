#pragma once

#include "plan/assemble.hpp"
#include "plan/tile_scales.hpp"

namespace plimsoll::plan {

/// assemble() for layout hub: fills the blueprints of `report`. A checkpoint is taken apart only if
/// it has a tensor that
/// - the way back takes apart into numbered ones,
/// - no rule of the way in has a use for, and
/// - has at least three dimensions, as stacked matrices have,
/// and if models of its class are not published like that. So are the names of one whose stacks of
/// experts have a model's names: the way in leaves them alone, the way back does not.
[[nodiscard]] Expected<Assembly> hub_layout(const io::Catalogue& catalogue, ScalePairs pairs,
                                            const rules::RuleSet& rules,
                                            const config::HfConfig& config, Assembly report);

}  // namespace plimsoll::plan
