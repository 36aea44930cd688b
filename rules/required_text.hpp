#pragma once

#include <string>
#include <string_view>

namespace plimsoll::rules {

/// Text without which a pattern cannot match: looking for it first spares most searches.
struct RequiredText {
  std::string text;       ///< empty if nothing is known to be required
  bool at_start = false;  ///< whether it must stand at the start of the name

  /// Whether a name could match. Never false for one that does.
  [[nodiscard]] bool allows(std::string_view name) const noexcept {
    return at_start ? name.starts_with(text) : name.find(text) != std::string_view::npos;
  }

  /// Whether the text says nothing about numbers between dots: every digit in it stands in one run
  /// with a character that is neither digit nor dot.
  [[nodiscard]] bool is_free_of_numbers() const noexcept;

  friend bool operator==(const RequiredText&, const RequiredText&) = default;
};

/// The longest run of plain characters at the top level of a pattern in PCRE2 syntax, or the one
/// after a leading `^`. Gives up, with empty text, on alternatives and on syntax that is rare in
/// rules (options inside the pattern, quoting, character codes).
[[nodiscard]] RequiredText required_text(std::string_view pattern);

}  // namespace plimsoll::rules
