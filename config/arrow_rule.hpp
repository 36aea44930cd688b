#pragma once

#include <string>
#include <string_view>

#include "errors/expected.hpp"

namespace plimsoll::config {

/// The two sides of 'REGEX -> WORD'.
struct ArrowRule {
  std::string pattern;    ///< PCRE2, known to compile
  std::string_view word;  ///< without blanks around it; a view into the text
};

/// Splits `text` at its last arrow; blanks around it do not count. invalid_argument when the arrow
/// or the pattern is missing or the pattern does not compile. `option` ("match") and `meaning`
/// ("FORMAT"), what stands behind the arrow, are for the message.
[[nodiscard]] Expected<ArrowRule> split_arrow(std::string_view text, std::string_view option,
                                              std::string_view meaning);

}  // namespace plimsoll::config
