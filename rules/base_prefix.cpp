#include "rules/base_prefix.hpp"

#include <algorithm>
#include <vector>

#include "rules/name_glob.hpp"

namespace plimsoll::rules {
namespace {

/// The names, with `*` for numbers, that the facts say the model has.
std::vector<std::string_view> known_names(const Architecture& facts) {
  std::vector<std::string_view> out(facts.fp32.begin(), facts.fp32.end());
  for (const auto& [name, stored] : facts.tied) {
    out.push_back(name);
    out.push_back(stored);
  }
  return out;
}

bool any_matches(std::string_view glob, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return matches_numbers(glob, name); });
}

}  // namespace

BaseChange base_change(const Architecture& facts, std::span<const std::string_view> names) {
  if (facts.base.empty()) return BaseChange::none;
  const std::string prefix = facts.base + ".";
  std::vector<std::string_view> below;
  for (std::string_view name : names) {
    if (name.starts_with(prefix)) below.push_back(name.substr(prefix.size()));
  }
  for (std::string_view known : known_names(facts)) {
    if (known.starts_with(prefix)) {
      known.remove_prefix(prefix.size());
      if (below.empty() && any_matches(known, names)) return BaseChange::add;
    } else if (any_matches(known, below) && !any_matches(known, names)) {
      return BaseChange::remove;
    }
  }
  return BaseChange::none;
}

std::string with_base_changed(const Architecture& facts, BaseChange change, std::string name) {
  const std::string prefix = facts.base + ".";
  if (change == BaseChange::remove) {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  }
  if (change == BaseChange::none) return name;
  for (std::string_view known : known_names(facts)) {
    if (known.starts_with(prefix)) continue;
    const std::string_view module = known.substr(0, known.find('.'));
    if (name.starts_with(module) && name.substr(module.size()).starts_with('.')) return name;
  }
  return prefix + name;
}

}  // namespace plimsoll::rules
