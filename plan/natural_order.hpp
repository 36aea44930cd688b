#pragma once

#include <string_view>

namespace plimsoll::plan {

/// Less-than of dotted names as transformers orders checkpoint keys: part by part, all-digit parts
/// compare as numbers and come before text; text compares without its trailing digits first, then
/// by those as a number. So `experts.2` precedes `experts.10`, and `norm1` precedes `norm10`.
[[nodiscard]] bool natural_less(std::string_view left, std::string_view right) noexcept;

}  // namespace plimsoll::plan
