#include "rules/rule_sieve.hpp"

#include <algorithm>

namespace plimsoll::rules {

void without_numbers(std::string_view name, std::string& out) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  out.clear();
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (!part.empty() && std::all_of(part.begin(), part.end(), is_digit)) {
      out += '0';
    } else {
      out += part;
    }
    if (dot == std::string_view::npos) return;
    out += '.';
    name.remove_prefix(dot + 1);
  }
}

std::span<const std::uint32_t> RuleSieve::candidates(std::string_view name) {
  without_numbers(name, scratch_);
  const auto found = known_.find(std::string_view(scratch_));
  if (found != known_.end()) return found->second;
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i]->could_apply(scratch_)) all.push_back(i);
  }
  return known_.emplace(scratch_, std::move(all)).first->second;
}

}  // namespace plimsoll::rules
