#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "rules/rule_set.hpp"

namespace plimsoll::rules {

/// What the base prefix of a checkpoint's names needs so that they are the model's.
enum class BaseChange : std::uint8_t {
  none,
  add,     ///< the checkpoint is of the base model, the class has a head
  remove,  ///< the checkpoint has a head, the class is the base model
};

/// Tells it without the model's names, from those few that an architecture's facts give: the fp32
/// and the tied ones. `names` are the checkpoint's, after the rules. Conservative: no evidence, no
/// change.
[[nodiscard]] BaseChange base_change(const Architecture& facts,
                                     std::span<const std::string_view> names);

/// `name` with the change made. Names outside of the base, such as a tied head's, stay.
[[nodiscard]] std::string with_base_changed(const Architecture& facts, BaseChange change,
                                            std::string name);

}  // namespace plimsoll::rules
