#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.hpp"

namespace plimsoll::config {

/// One line of `plimsoll config`.
struct EffectiveSetting {
  std::string_view name;             ///< "plan.slots"
  std::optional<std::string> value;  ///< as TOML text; nothing if it is not set
  std::string origin;  ///< "default", "profile NAME", "FILE:LINE", "command line (...)"
  std::string_view documentation;
};

/// Every setting with its value and origin, in the schema's order.
[[nodiscard]] std::vector<EffectiveSetting> effective_settings(const Configuration& configuration);

/// The same as a config file that, read again, gives the same settings: one assignment a line with
/// the origin in a comment behind it, settings without a value as comments.
[[nodiscard]] std::string effective_toml(const Configuration& configuration);

}  // namespace plimsoll::config
