#include "cli/collapsed_names.hpp"

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

using Numbers = std::set<std::uint64_t>;

/// A part that counts something. "007" and numbers beyond counting are text like any other.
std::optional<std::uint64_t> number_of(std::string_view part) {
  constexpr std::size_t most_digits = 18;
  if (part.empty() || part.size() > most_digits || (part.size() > 1 && part.front() == '0')) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto [stop, code] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (code != std::errc() || stop != part.data() + part.size()) return std::nullopt;
  return number;
}

constexpr char hole = '\0';

/// A name's text, with a zero byte in place of each number, and the numbers. A name that has zero
/// bytes of its own is text as a whole.
struct Pattern {
  std::string text;
  std::vector<std::uint64_t> numbers;
};

Pattern pattern_of(std::string_view name) {
  if (name.find(hole) != std::string_view::npos) return {std::string(name), {}};
  Pattern pattern;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (const auto number = number_of(part)) {
      pattern.text += hole;
      pattern.numbers.push_back(*number);
    } else {
      pattern.text += part;
    }
    if (dot == std::string_view::npos) return pattern;
    pattern.text += '.';
    name.remove_prefix(dot + 1);
  }
}

/// "5", "{0, 1}", "{0...47}", "{0, 2, 4, 6, 8, 10, 12, 14, ..., 94}".
std::string numbers_text(const Numbers& numbers) {
  constexpr std::size_t most_runs = 8;
  if (numbers.size() == 1) return std::to_string(*numbers.begin());
  std::string text;
  std::size_t runs = 0;
  for (auto at = numbers.begin(); at != numbers.end(); ++runs) {
    const std::uint64_t first = *at;
    std::uint64_t last = first;
    while (++at != numbers.end() && *at == last + 1) last = *at;
    text += text.empty() ? "{" : ", ";
    if (runs == most_runs) return text + "..., " + std::to_string(*numbers.rbegin()) + "}";
    text += std::to_string(first);
    if (last > first) text += (last == first + 1 ? ", " : "...") + std::to_string(last);
  }
  return text + "}";
}

struct Group {
  std::string pattern;
  std::vector<Numbers> numbers;  // one a hole
  std::vector<std::size_t> members;
};

std::string text_of(const Group& group) {
  std::string text;
  std::string_view rest = group.pattern;
  for (const Numbers& numbers : group.numbers) {
    const std::size_t end = rest.find(hole);
    text += printable(rest.substr(0, end)) + numbers_text(numbers);
    rest.remove_prefix(end + 1);
  }
  return text + printable(rest);
}

}  // namespace

std::vector<CollapsedName> collapse_names(std::span<const std::string> names,
                                          std::span<const std::string> details) {
  std::vector<Group> groups;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Pattern pattern = pattern_of(names[i]);
    const std::string detail = details.empty() ? std::string() : details[i];
    const auto [place, is_new] = places.try_emplace({pattern.text, detail}, groups.size());
    if (is_new) groups.push_back({pattern.text, std::vector<Numbers>(pattern.numbers.size()), {}});
    Group& group = groups[place->second];
    group.members.push_back(i);
    for (std::size_t n = 0; n < group.numbers.size(); ++n) {
      group.numbers[n].insert(pattern.numbers[n]);
    }
  }
  std::vector<CollapsedName> collapsed;
  collapsed.reserve(groups.size());
  for (Group& group : groups) collapsed.push_back({text_of(group), std::move(group.members)});
  return collapsed;
}

}  // namespace plimsoll::cli
