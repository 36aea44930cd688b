#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/schema.hpp"

namespace plimsoll::config {

/// The setting's value as TOML text, for example `"1MiB"` or `["host"]`; nothing if it is not set.
[[nodiscard]] std::optional<std::string> toml_value(const SettingSchema& setting,
                                                    const Settings& settings);

/// What values the setting can have, for documentation: "1 to 65536", "auto, pread or direct".
[[nodiscard]] std::string range_text(const SettingSchema& setting);

/// `text` as a TOML string: literal ('...') where backslashes make that more readable.
[[nodiscard]] std::string toml_string(std::string_view text);

/// "auto, pread or direct".
[[nodiscard]] std::string word_list(std::span<const std::string_view> words);

}  // namespace plimsoll::config
