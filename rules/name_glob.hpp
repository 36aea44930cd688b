#pragma once

#include <string_view>

namespace plimsoll::rules {

/// Whether `name` is `glob` with a number, of any length, in place of each `*`.
[[nodiscard]] bool matches_numbers(std::string_view glob, std::string_view name) noexcept;

}  // namespace plimsoll::rules
