#pragma once

#include <optional>

#include "config/hf_config.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "plan/assign_formats.hpp"
#include "plan/blueprint.hpp"

namespace plimsoll {

/// What the settings want made of a checkpoint's tensors. `facts` are config.json's.
/// invalid_argument for patterns that cannot be searched.
[[nodiscard]] Expected<plan::Recipe> recipe_of(const config::RecipeSettings& settings,
                                               const plan::Blueprints& blueprints,
                                               const std::optional<config::HfConfig>& facts);

/// A compiled pattern as a test of names.
[[nodiscard]] Expected<plan::NameTest> name_test(const std::string& pattern);

}  // namespace plimsoll
