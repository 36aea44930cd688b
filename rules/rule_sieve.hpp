#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/name_rule.hpp"

namespace plimsoll::rules {

/// A dotted name with 0 in place of each part that is a number, in `out`.
void without_numbers(std::string_view name, std::string& out);

/// Tells the few rules that could apply to a name from the many that cannot. It looks at names
/// without their numbers, of which a checkpoint has a few dozen, and remembers what it found. Not
/// thread-safe; the rules must outlive it.
class RuleSieve {
 public:
  void add(const NameRule& rule) { rules_.push_back(&rule); }

  /// The rules that could apply, by their place in the order in which they were added, ascending.
  /// Every rule that does apply is among them. Valid as long as this object. Cost: one look-up.
  [[nodiscard]] std::span<const std::uint32_t> candidates(std::string_view name);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::vector<const NameRule*> rules_;
  std::unordered_map<std::string, std::vector<std::uint32_t>, Hash, std::equal_to<>> known_;
  std::string scratch_;
};

}  // namespace plimsoll::rules
