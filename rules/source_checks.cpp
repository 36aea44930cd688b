#include "rules/source_checks.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace plimsoll::rules {
namespace {

using Kind = NameProblem::Kind;
using Numbers = std::vector<std::uint64_t>;  // ascending, each once

/// The tensors of one pattern of a product.
class SourceList {
 public:
  SourceList(const std::string& pattern, const std::vector<std::uint32_t>& sources,
             const std::vector<std::optional<std::uint64_t>>& numbers)
      : pattern_(pattern), sources_(sources), numbered_(pattern.find("*.") != std::string::npos) {
    std::vector<std::pair<std::uint64_t, std::size_t>> places;
    places.reserve(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i]) places.emplace_back(*numbers[i], i);
    }
    // Nearly always so: the tensors come in the order of their names.
    if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
    numbers_.reserve(places.size());
    for (const auto& [number, place] : places) {
      if (numbers_.empty() || numbers_.back() != number) {
        numbers_.push_back(number);
      } else {
        doubled_ = std::min(doubled_.value_or(place), place);
      }
    }
    unnumbered_ = numbers_.empty() && !sources.empty();
  }

  [[nodiscard]] bool numbered() const { return numbered_ && !unnumbered_; }
  [[nodiscard]] bool empty() const { return sources_.empty(); }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  [[nodiscard]] const Numbers& numbers() const { return numbers_; }

  /// A tensor for a place that has one already.
  [[nodiscard]] std::optional<std::uint32_t> doubled() const {
    if (numbered()) return doubled_ ? std::optional(sources_[*doubled_]) : std::nullopt;
    return sources_.size() > 1 ? std::optional(sources_[1]) : std::nullopt;
  }

  /// The first number that is not there although a larger one is.
  [[nodiscard]] std::optional<std::uint64_t> gap() const {
    std::uint64_t next = 0;
    for (std::uint64_t number : numbers_) {
      if (number != next) return next;
      ++next;
    }
    return std::nullopt;
  }

 private:
  const std::string& pattern_;
  const std::vector<std::uint32_t>& sources_;
  Numbers numbers_;
  std::optional<std::size_t> doubled_;
  bool numbered_;
  bool unnumbered_ = false;
};

/// The first number of `has` that is not in `lacks`, whose numbers are all in `has`.
std::optional<std::uint64_t> first_without(const Numbers& has, const Numbers& lacks) {
  auto behind = lacks.begin();
  for (std::uint64_t number : has) {
    if (behind == lacks.end() || *behind != number) return number;
    ++behind;
  }
  return std::nullopt;
}

}  // namespace

void check_sources(const Convert& convert, const Product& product, const SourceNumbers& numbers,
                   std::span<const std::string> names, std::vector<NameProblem>& problems) {
  const std::string& target = product.targets.front();
  std::vector<SourceList> lists;
  Numbers all;
  for (std::size_t i = 0; i < product.sources.size(); ++i) {
    lists.emplace_back(convert.from[i], product.sources[i], numbers[i]);
    const Numbers& own = lists.back().numbers();
    if (own == all) continue;
    Numbers both;
    std::set_union(all.begin(), all.end(), own.begin(), own.end(), std::back_inserter(both));
    all = std::move(both);
  }
  for (const SourceList& list : lists) {
    if (const auto doubled = list.doubled()) {
      problems.push_back(
          {Kind::duplicate, target, names[*doubled] + " is not the only tensor of its place"});
    }
    if (list.empty()) {
      problems.push_back(
          {Kind::incomplete, target, "there is no tensor that matches " + list.pattern()});
      continue;
    }
    if (!list.numbered()) continue;
    if (const auto partnerless = first_without(all, list.numbers())) {
      problems.push_back({Kind::incomplete, target,
                          "number " + std::to_string(*partnerless) + " of " + list.pattern() +
                              " is not there, but its partner is"});
    } else if (const auto gap = list.gap()) {
      problems.push_back({Kind::gap, target,
                          "number " + std::to_string(*gap) + " of " + list.pattern() +
                              " is not there, but later ones are"});
    }
  }
}

}  // namespace plimsoll::rules
