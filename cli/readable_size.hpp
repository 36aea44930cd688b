#pragma once

#include <cstdint>
#include <string>

namespace plimsoll::cli {

/// Bytes for people: "812 B", "64.0 kB", "3.09 GB". Three digits, decimal units, rounded.
[[nodiscard]] std::string readable_size(std::uint64_t bytes);

}  // namespace plimsoll::cli
