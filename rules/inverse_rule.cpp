#include "rules/inverse_rule.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace plimsoll::rules {
namespace {

using Texts = std::vector<std::string>;

/// The name that a pattern stands for, and the group in it.
struct WrittenOut {
  std::string name;
  std::optional<std::string> group;
};

/// Look-around is cut from "(?" to the first bracket that closes, and the one right behind it.
void cut_look_around(std::string& pattern) {
  for (std::size_t open = pattern.find("(?"); open != std::string::npos;
       open = pattern.find("(?", open)) {
    std::size_t close = pattern.find(')', open + 3);
    if (close == std::string::npos) return;
    if (close + 1 < pattern.size() && pattern[close + 1] == ')') ++close;
    pattern.erase(open, close + 1 - open);
  }
}

WrittenOut written_out(std::string pattern) {
  WrittenOut out;
  if (pattern.starts_with('^')) pattern.erase(0, 1);
  cut_look_around(pattern);
  const std::size_t open = pattern.find('(');
  const std::size_t close = open == std::string::npos ? open : pattern.find(')', open + 2);
  if (close != std::string::npos) {
    out.group = pattern.substr(open, close + 1 - open);
    pattern.replace(open, out.group->size(), "\\1");
  }
  for (std::size_t at = pattern.find("\\."); at != std::string::npos;
       at = pattern.find("\\.", at)) {
    pattern.erase(at, 1);
    ++at;
  }
  out.name = std::move(pattern);
  return out;
}

struct WayBack {
  Texts from;
  Texts to;
};

/// The patterns and names of the way back; `from` are those of the way in, `back` the patterns to
/// look for.
Expected<WayBack> way_back(const Texts& from, const Texts& back) {
  WayBack out;
  std::optional<std::string> group;
  for (const std::string& pattern : from) {
    WrittenOut written = written_out(pattern);
    if (group && written.group && *group != *written.group) {
      return fail(ErrorCode::unsupported, "the patterns have different groups");
    }
    if (written.group) group = written.group;
    out.to.push_back(std::move(written.name));
  }
  for (std::size_t i = 0; i < back.size(); ++i) {
    std::string pattern = back[i];
    if (const std::size_t at = pattern.find("\\1"); at != std::string::npos) {
      if (!group) return fail(ErrorCode::unsupported, "no group tells what \\1 was");
      pattern.replace(at, 2, *group);
    }
    const bool anchored = back.size() == from.size() && from[i].starts_with('^');
    if (anchored && !pattern.starts_with('^')) pattern.insert(0, 1, '^');
    out.from.push_back(std::move(pattern));
  }
  return out;
}

struct Inverter {
  Expected<Rule> operator()(const Rename& rule) const {
    Expected<WayBack> inverse = way_back(rule.from, rule.back.empty() ? Texts{rule.to} : rule.back);
    if (!inverse) return fail(inverse.error());
    return Rename{std::move(inverse->from), std::move(inverse->to.front()), {}};
  }
  Expected<Rule> operator()(const PrefixChange& rule) const {
    return PrefixChange{!rule.add, rule.prefix, rule.below};
  }
  /// Sorted, so that the pattern that wakes the group comes first in the order of names.
  Expected<Rule> operator()(const GroupRename& rule) const {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t i = 0; i < rule.from.size(); ++i) pairs.emplace_back(rule.to[i], rule.from[i]);
    std::sort(pairs.begin(), pairs.end());
    Texts from;
    Texts back;
    for (auto& [to, pattern] : pairs) {
      back.push_back(std::move(to));
      from.push_back(std::move(pattern));
    }
    Expected<WayBack> inverse = way_back(from, back);
    if (!inverse) return fail(inverse.error());
    return GroupRename{std::move(inverse->from), std::move(inverse->to)};
  }
  Expected<Rule> operator()(const IndexRename& rule) const {
    Expected<WayBack> inverse = way_back({rule.from}, {rule.to});
    if (!inverse) return fail(inverse.error());
    return IndexRename{-rule.offset, std::move(inverse->from.front()),
                       std::move(inverse->to.front())};
  }
  Expected<Rule> operator()(const Convert& rule) const {
    Expected<WayBack> inverse = way_back(rule.from, rule.back.empty() ? rule.to : rule.back);
    if (!inverse) return fail(inverse.error());
    Convert out{std::move(inverse->from), std::move(inverse->to), {}, {}};
    for (auto op = rule.operations.rbegin(); op != rule.operations.rend(); ++op) {
      out.operations.push_back(rules::inverse_of(*op));
    }
    return out;
  }
};

}  // namespace

Expected<Rule> inverse_of(const Rule& rule) {
  return std::visit(Inverter{}, rule);
}

}  // namespace plimsoll::rules
