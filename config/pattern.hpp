#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::config {

/// A compiled regular expression in PCRE2 syntax, searched for in tensor names.
///
/// Pattern and names are UTF-8; bytes of a name that are not valid UTF-8 match nothing. The work of
/// one search is bounded (match, depth and heap limits), so that no pattern hangs a load: over the
/// limit a search is an error. Move-only; const members may be called from any thread at once.
class Pattern {
 public:
  /// invalid_argument, with the position (in bytes) and PCRE2's reason, if the text is no pattern.
  [[nodiscard]] static Expected<Pattern> compile(std::string_view text);

  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  /// Whether the pattern is found anywhere in `name`. invalid_argument if it takes too much work.
  [[nodiscard]] Expected<bool> search(std::string_view name) const;

  /// What the pattern and its groups matched, by number; number 0 is the whole match. Views into
  /// the name. A group that took no part has nothing, which is not the same as empty text.
  using Match = std::vector<std::optional<std::string_view>>;

  /// The first match in `name`, if there is one. Errors as search.
  [[nodiscard]] Expected<std::optional<Match>> find(std::string_view name) const;

  /// The number of the group called `name`, if there is one.
  [[nodiscard]] std::optional<std::uint32_t> group(std::string_view name) const;

  /// The text it was compiled from.
  [[nodiscard]] const std::string& text() const noexcept;

 private:
  struct State;
  explicit Pattern(std::unique_ptr<const State> state) noexcept;

  struct Hits;
  [[nodiscard]] Expected<bool> run(std::string_view name, Hits& hits) const;

  std::unique_ptr<const State> state_;
};

}  // namespace plimsoll::config
