#pragma once

#include <optional>
#include <span>

#include "plan/assemble.hpp"
#include "plan/tile_scales.hpp"

namespace plimsoll::plan {

/// assemble() for layout transformers.
[[nodiscard]] Expected<Assembly> model_layout(
    const io::Catalogue& catalogue, ScalePairs pairs, const rules::RuleSet& rules,
    const config::HfConfig& config, std::optional<std::span<const ExpectedTensor>> expected);

}  // namespace plimsoll::plan
