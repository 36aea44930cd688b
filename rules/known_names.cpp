#include "rules/known_names.hpp"

#include <algorithm>

#include "config/skip_defaults.hpp"
#include "rules/name_glob.hpp"

namespace plimsoll::rules {
namespace {

bool any_matches(std::string_view glob, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return matches_numbers(glob, name); });
}

}  // namespace

KnownNames::KnownNames(const Architecture& facts)
    : facts_(facts),
      prefix_(facts.base.empty() ? "" : facts.base + "."),
      known_(facts.fp32.begin(), facts.fp32.end()) {
  for (const auto& [name, stored] : facts.tied) {
    known_.push_back(name);
    known_.push_back(stored);
  }
  const config::PatternFile patterns("skips");
  output_heads_ = patterns.patterns("output-heads", "output-heads");
  task_heads_ = patterns.patterns("task-heads", "task-heads");
}

bool KnownNames::hold(std::string_view name) const {
  return std::any_of(known_.begin(), known_.end(),
                     [&](std::string_view glob) { return matches_numbers(glob, name); });
}

BaseChange KnownNames::base_change(std::span<const std::string_view> names) const {
  if (prefix_.empty()) return BaseChange::none;
  std::vector<std::string_view> below;
  for (std::string_view name : names) {
    if (name.starts_with(prefix_)) below.push_back(name.substr(prefix_.size()));
  }
  for (std::string_view known : known_) {
    if (known.starts_with(prefix_)) {
      known.remove_prefix(prefix_.size());
      if (below.empty() && any_matches(known, names)) return BaseChange::add;
    } else if (any_matches(known, below) && !any_matches(known, names)) {
      return BaseChange::remove;
    }
  }
  return BaseChange::none;
}

bool KnownNames::is_head(std::string_view name) const {
  const std::string_view module = config::module_of(name);
  return output_heads_.match(module, facts_.model_type) || task_heads_.match(module, {});
}

std::string KnownNames::changed(BaseChange change, std::string name) const {
  if (change == BaseChange::remove && name.starts_with(prefix_)) return name.substr(prefix_.size());
  if (change == BaseChange::add && !hold(name) && !is_head(name)) name.insert(0, prefix_);
  return name;
}

std::vector<std::pair<std::string, std::string>> tied_head(
    const Architecture& facts, std::span<const std::string_view> absent,
    std::span<const std::string_view> present) {
  const config::PatternFile patterns("skips");
  const config::FamilyPatterns heads = patterns.patterns("output-heads", "output-heads");
  const config::FamilyPatterns embeddings = patterns.patterns("embeddings", "embeddings");
  const auto is_weight = [](std::string_view name) { return name.ends_with(".weight"); };
  std::string_view stored;
  for (std::string_view name : present) {
    if (!is_weight(name) || !embeddings.match(config::module_of(name), facts.model_type)) continue;
    // The shortest name is the one that the others, of an encoder or decoder, share as well.
    if (stored.empty() || name.size() < stored.size()) stored = name;
  }
  if (stored.empty()) return {};
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string_view name : absent) {
    if (is_weight(name) && heads.match(config::module_of(name), facts.model_type)) {
      out.emplace_back(name, stored);
    }
  }
  return out;
}

}  // namespace plimsoll::rules
