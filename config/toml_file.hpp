#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting_value.hpp"
#include "errors/expected.hpp"

namespace plimsoll::config {

/// One assignment of a config file.
struct WrittenSetting {
  std::string key;  ///< as it stands there, "slots" or "plan.slots"
  RawValue value;
  std::uint64_t line = 0;  ///< from 1
};

/// A config file may have this many bytes, far more than one has that people write.
inline constexpr std::uint64_t longest_config_file = std::uint64_t{1} << 20;

/// Reads a config file's text into its assignments, in the order of their keys; `file` names it in
/// errors. Tables are flattened one level deep. invalid_config with FILE:LINE for a syntax error.
[[nodiscard]] Expected<std::vector<WrittenSetting>> read_toml(std::string_view text,
                                                              const std::string& file);

/// The whole of a config file. not_found if there is none, invalid_config if it is not a regular
/// file or too long, read_failed for anything else that goes wrong.
[[nodiscard]] Expected<std::string> read_config_file(const std::string& path);

}  // namespace plimsoll::config
