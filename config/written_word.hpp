#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "errors/expected.hpp"

namespace plimsoll::config {

/// `text` between quotation marks, for a message.
[[nodiscard]] std::string quoted(std::string_view text);

/// `text` without the blanks around it. A view into it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// `text` with the letters of ASCII in lower case.
[[nodiscard]] std::string lowered(std::string_view text);

/// Whether `text` is decimal digits and nothing else. False for an empty text.
[[nodiscard]] bool is_digits(std::string_view text);

/// The place of `word` among `words`, letter by letter. Otherwise invalid_argument: an unknown
/// `what`, those there are, and the nearest of them and of `others`, words that the place knows but
/// that are too many to be listed.
[[nodiscard]] Expected<std::size_t> place_of(std::string_view word,
                                             std::span<const std::string_view> words,
                                             std::string_view what,
                                             std::span<const std::string_view> others = {});

}  // namespace plimsoll::config
