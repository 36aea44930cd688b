#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::rules {

/// Less-than of dotted names as transformers orders checkpoint keys: part by part, all-digit parts
/// compare as numbers and come before text; text compares without its trailing digits first, then
/// by those as a number. So `experts.2` precedes `experts.10`, and `norm1` precedes `norm10`. Names
/// that differ only in leading zeros compare by their bytes.
[[nodiscard]] bool natural_less(std::string_view left, std::string_view right) noexcept;

/// A name's place in that order, as text: keys compare by their bytes, which is faster than names
/// where each is compared many times. Names that differ only in leading zeros have equal keys.
[[nodiscard]] std::string natural_key(std::string_view name);

/// The numbers of `names` in the natural order, names of equal keys in the order of their bytes and
/// then of their numbers. n log n comparisons of keys, which take about as much memory as the
/// names. At most 2^32 - 1 names.
[[nodiscard]] std::vector<std::uint32_t> natural_order(std::span<const std::string> names);

}  // namespace plimsoll::rules
