#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, upper and
/// lower case being the same. Looks at the first 64 bytes of each.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that needs the fewest edits (the first of equals); nothing without candidates.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// A sentence's end for a message about an unknown word: `; did you mean "nf4"?`. Empty without
/// candidates.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace plimsoll::config
