#include "rules/required_text.hpp"

#include <algorithm>
#include <cstddef>

namespace plimsoll::rules {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Just behind the ']' that ends the class which begins at `at`.
std::size_t end_of_class(std::string_view pattern, std::size_t at) {
  ++at;
  if (at < pattern.size() && pattern[at] == '^') ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;  // the first one is plain
  for (; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern[at] == ']') {
      return at + 1;
    }
  }
  return pattern.size();
}

/// Just behind the ')' that ends the group which begins at `at`.
std::size_t end_of_group(std::string_view pattern, std::size_t at) {
  std::size_t depth = 0;
  while (at < pattern.size()) {
    const char c = pattern[at];
    if (c == '\\') {
      at += 2;
    } else if (c == '[') {
      at = end_of_class(pattern, at);
    } else {
      if (c == '(') ++depth;
      ++at;
      if (c == ')' && --depth == 0) return at;
    }
  }
  return pattern.size();
}

/// "(?i)" and "(*UCP)" change what other characters mean.
bool changes_meaning(std::string_view group) {
  if (group.starts_with("(*")) return true;
  if (!group.starts_with("(?") || group.size() < 3) return false;
  constexpr std::string_view harmless = ":=!<>P|";
  return harmless.find(group[2]) == std::string_view::npos;
}

}  // namespace

bool RequiredText::is_free_of_numbers() const noexcept {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    if (!part.empty() && std::all_of(part.begin(), part.end(), is_digit)) return false;
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  return true;
}

RequiredText required_text(std::string_view pattern) {
  std::string best;
  std::string start;
  std::string run;
  bool run_is_first = pattern.starts_with('^');
  const bool anchored = run_is_first;
  const auto end_run = [&] {
    if (run_is_first) start = run;
    run_is_first = false;
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  std::size_t at = anchored ? 1 : 0;
  while (at < pattern.size()) {
    const char c = pattern[at];
    if (c == '|') return {};
    if (c == '(') {
      if (changes_meaning(pattern.substr(at))) return {};
      end_run();
      at = end_of_group(pattern, at);
    } else if (c == '[') {
      end_run();
      at = end_of_class(pattern, at);
    } else if (c == '\\') {
      if (at + 1 >= pattern.size()) return {};
      const char escaped = pattern[at + 1];
      at += 2;
      if (!is_alphanumeric(escaped)) {
        run += escaped;
        continue;
      }
      constexpr std::string_view without_argument = "dDwWsSbBAZz123456789";
      if (without_argument.find(escaped) == std::string_view::npos) return {};
      end_run();
      if (escaped >= '1' && escaped <= '9') {
        while (at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '9') ++at;
      }
    } else if (c == '*' || c == '?' || c == '{') {
      // The character before is optional, unless a group or class stood there.
      if (!run.empty() && static_cast<unsigned char>(run.back()) >= 0x80) return {};
      if (!run.empty()) run.pop_back();
      end_run();
      at = c == '{' ? std::min(pattern.find('}', at), pattern.size() - 1) + 1 : at + 1;
    } else if (c == '.' || c == '^' || c == '$' || c == '+') {
      end_run();
      ++at;
    } else {
      run += c;
      ++at;
    }
  }
  end_run();
  if (anchored && !start.empty()) return {start, true};
  return {best, false};
}

}  // namespace plimsoll::rules
