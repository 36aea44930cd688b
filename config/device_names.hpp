#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::config {

/// Reads device names, each "host", "host:N" or "cuda:N" with N below 1024 ("cuda" alone is
/// "cuda:0"), cutting every text at its commas. Appends the canonical names to `devices` and
/// returns nothing, or returns what is wrong: an unknown name, the same device twice, no device at
/// all.
[[nodiscard]] std::optional<std::string> parse_devices(const std::vector<std::string>& texts,
                                                       std::vector<std::string>& devices);

}  // namespace plimsoll::config
