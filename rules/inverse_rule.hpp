#pragma once

#include "errors/expected.hpp"
#include "rules/rule.hpp"

namespace plimsoll::rules {

/// The rule that leads back, from a model's names and tensors to a checkpoint's. Lists are undone
/// in reverse order, and with them the order of steps: one conversion first, then all renames on
/// what it gave. Prefix rules lead back only if they changed something on the way in.
///
/// What a pattern matched is lost where it was not in a group; then the pattern's own text is
/// written, without anchors, look-around and escapes. Source: reverse_transform in
/// core_model_loading.py of the transformers library. unsupported if a name needs a group (\1) that
/// no pattern has, or if patterns have different ones.
[[nodiscard]] Expected<Rule> inverse_of(const Rule& rule);

}  // namespace plimsoll::rules
