#include "config/written_word.hpp"

#include <algorithm>

#include "config/nearest.hpp"

namespace plimsoll::config {
namespace {

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

}  // namespace

std::string quoted(std::string_view text) {
  return std::string(1, '"').append(text).append(1, '"');
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Expected<std::size_t> place_of(std::string_view word, std::span<const std::string_view> words,
                               std::string_view what, std::span<const std::string_view> others) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::vector<std::string_view> near(words.begin(), words.end());
  near.insert(near.end(), others.begin(), others.end());
  return fail(ErrorCode::invalid_argument, "unknown " + std::string(what) + " " + quoted(word) +
                                               " (known: " + listed(words) + ")" +
                                               did_you_mean(word, near));
}

}  // namespace plimsoll::config
