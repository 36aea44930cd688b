#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::config {

/// Reads a number of bytes: digits, perhaps a fraction, perhaps a unit after optional spaces.
/// No unit or B means bytes; kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB powers of 1024;
/// upper and lower case are the same. A fraction needs a unit and is rounded down to whole bytes,
/// exactly, however many digits it has. Nothing for anything else, or above 2^64 - 1.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact spelling: "1MiB", "5GB", "1536MiB", or plain digits where no unit divides the
/// number. parse_size(format_size(n)) == n for every n.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace plimsoll::config
