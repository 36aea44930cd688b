#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/pattern.hpp"
#include "errors/expected.hpp"
#include "rules/required_text.hpp"
#include "rules/rule.hpp"

namespace plimsoll::rules {

/// The part of a model that a rule is confined to: names that start with BASE.SCOPE. (tried first)
/// or SCOPE., which the rule does not see.
struct Scope {
  std::string base;
  std::string path;  ///< may be empty: BASE. or nothing
};

/// What a rule made of a name.
struct Renamed {
  std::string name;
  std::size_t from = 0;  ///< which of the rule's patterns matched
  /// The number that `*.` stood for, or the last number in what matched; only for such patterns.
  std::optional<std::uint64_t> number;
};

/// Where a run through a checkpoint's names stands with one rule. A group sleeps at first.
struct RuleProgress {
  bool group_awake = false;
};

/// A rule, ready to be applied to names: its patterns are one compiled expression. docs/rules.md
/// describes the matching. Move-only; const members may be called from any thread at once.
class NameRule {
 public:
  /// invalid_argument if a pattern does not compile or takes the shape of a name of ours.
  [[nodiscard]] static Expected<NameRule> compile(const Rule& rule,
                                                  const std::optional<Scope>& scope = {});

  /// The name that the rule makes of `name`, or nothing if it does not apply. invalid_argument if a
  /// pattern takes too much work. Cost: a search for plain text, and rarely one for a pattern.
  [[nodiscard]] Expected<std::optional<Renamed>> apply(std::string_view name,
                                                       RuleProgress& progress) const;

  /// False only if the rule applies to no name that differs from `name` in numbers alone, parts
  /// between dots that are all digits. Plain text is compared, no pattern searched.
  [[nodiscard]] bool could_apply(std::string_view name) const noexcept;

 private:
  enum class Kind : std::uint8_t { rename, group, shift, convert };

  explicit NameRule(config::Pattern pattern) : pattern_(std::move(pattern)) {}

  Kind kind_ = Kind::rename;
  std::int64_t offset_ = 0;
  /// What names must start with, the first that fits; a rule without scope has one empty one.
  std::vector<std::string> prefixes_;
  config::Pattern pattern_;
  std::vector<std::uint32_t> groups_;   // of each alternative, by its place among the patterns
  std::vector<bool> numbered_;          // likewise: whether the pattern has a `*.`
  std::vector<RequiredText> required_;  // likewise
  std::vector<std::string> to_;
};

/// One expression that is found where any of `patterns` is; nothing for no patterns.
[[nodiscard]] Expected<std::optional<config::Pattern>> any_of(
    std::span<const std::string> patterns);

}  // namespace plimsoll::rules
