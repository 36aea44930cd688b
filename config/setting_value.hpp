#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/schema.hpp"

namespace plimsoll::config {

/// What the command line gives: one text for each time the option was written.
struct OptionTexts {
  std::vector<std::string> texts;
};

/// What no setting takes, a date say; only its type is kept, "a date".
struct ForeignValue {
  std::string type;
};

/// A value as it was written, before it is known to suit a setting: one of the types of a config
/// file, or the texts of the command line.
using RawValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>,
                              OptionTexts, ForeignValue>;

/// Puts `value` into the place of `setting`, turning a switch around if `negated`. Returns why it
/// cannot: a wrong type, a number out of range, an unknown word, a pattern that does not compile.
/// `settings` is unchanged then. A list replaces what was there; a text is cut at commas where the
/// command line takes a comma list.
[[nodiscard]] std::optional<std::string> assign(const SettingSchema& setting, const RawValue& value,
                                                bool negated, Settings& settings);

}  // namespace plimsoll::config
