#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::rules {

/// A name's place among others, as text: names in the natural order (docs/rules.md) have keys in
/// the order of their bytes. Names that differ only in leading zeros have equal keys.
[[nodiscard]] std::string natural_key(std::string_view name);

/// The numbers of `names` in the natural order, names of equal keys in the order of their bytes and
/// then of their numbers. n log n comparisons of keys, which take about as much memory as the
/// names. At most 2^32 - 1 names.
[[nodiscard]] std::vector<std::uint32_t> natural_order(std::span<const std::string> names);

}  // namespace plimsoll::rules
