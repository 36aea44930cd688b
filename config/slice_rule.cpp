#include "config/slice_rule.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "config/arrow_rule.hpp"
#include "config/written_word.hpp"

namespace plimsoll::config {
namespace {

// In the order of SliceKind.
constexpr std::array<std::string_view, 4> kinds = {"columns", "rows", "experts", "whole"};

constexpr std::uint32_t most_ranks = 65'536;

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || stop != end || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

Expected<ParallelRank> parse_parallel(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto rank = whole_number(text.substr(0, slash));
  const auto count =
      slash == std::string_view::npos ? std::nullopt : whole_number(text.substr(slash + 1));
  if (!rank || !count) {
    return fail(ErrorCode::invalid_argument,
                quoted(text) + " is not of the form RANK/COUNT, for example 0/4");
  }
  if (*count < 1 || *count > most_ranks) {
    return fail(ErrorCode::invalid_argument, std::to_string(*count) +
                                                 " ranks are out of range (1 to " +
                                                 std::to_string(most_ranks) + ")");
  }
  if (*rank >= *count) {
    return fail(ErrorCode::invalid_argument, "there is no rank " + std::to_string(*rank) + " of " +
                                                 std::to_string(*count) +
                                                 "; ranks are counted from 0");
  }
  return ParallelRank{*rank, *count};
}

std::string parallel_text(const ParallelRank& parallel) {
  return std::to_string(parallel.rank) + "/" + std::to_string(parallel.count);
}

std::span<const std::string_view> slice_kinds() {
  return kinds;
}

Expected<SliceRule> parse_slice(std::string_view text) {
  Expected<ArrowRule> rule = split_arrow(text, "slice", "columns, rows, experts or whole");
  if (!rule) return fail(rule.error());
  const Expected<std::size_t> kind = place_of(lowered(rule->word), kinds, "slice");
  if (!kind) return fail(kind.error());
  return SliceRule{std::move(rule->pattern), static_cast<SliceKind>(*kind)};
}

std::string slice_text(const SliceRule& rule) {
  return std::string(rule.pattern)
      .append(" -> ")
      .append(kinds[static_cast<std::size_t>(rule.kind)]);
}

}  // namespace plimsoll::config
