#pragma once

#include "plan/assemble.hpp"
#include "plan/tile_scales.hpp"

namespace plimsoll::plan {

/// assemble() for layout hub: fills the blueprints of `report`. A checkpoint in the model's form
/// (model_form.hpp) is taken apart and gets its published names back, unless models of its class
/// are published in that form.
[[nodiscard]] Expected<Assembly> hub_layout(const io::Catalogue& catalogue, ScalePairs pairs,
                                            const rules::RuleSet& rules,
                                            const config::HfConfig& config, Assembly report);

}  // namespace plimsoll::plan
