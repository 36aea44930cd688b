#include "rules/source_checks.hpp"

#include <algorithm>
#include <set>

namespace plimsoll::rules {
namespace {

using Kind = NameProblem::Kind;

/// The tensors of one pattern of a product.
class SourceList {
 public:
  SourceList(const std::string& pattern, const std::vector<std::uint32_t>& sources,
             const std::vector<std::optional<std::uint64_t>>& numbers)
      : pattern_(pattern), sources_(sources), numbered_(pattern.find("*.") != std::string::npos) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] && !numbers_.insert(*numbers[i]).second && !doubled_) doubled_ = i;
    }
    unnumbered_ = numbers_.empty() && !sources.empty();
  }

  [[nodiscard]] bool numbered() const { return numbered_ && !unnumbered_; }
  [[nodiscard]] bool empty() const { return sources_.empty(); }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  [[nodiscard]] const std::set<std::uint64_t>& numbers() const { return numbers_; }

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
  std::set<std::uint64_t> numbers_;
  std::optional<std::size_t> doubled_;
  bool numbered_;
  bool unnumbered_ = false;
};

/// A number that `has` has and `lacks` has not.
std::optional<std::uint64_t> first_without(const std::set<std::uint64_t>& has,
                                           const std::set<std::uint64_t>& lacks) {
  for (std::uint64_t number : has) {
    if (!lacks.contains(number)) return number;
  }
  return std::nullopt;
}

}  // namespace

void check_sources(const Convert& convert, const Product& product, const SourceNumbers& numbers,
                   std::span<const std::string> names, std::vector<NameProblem>& problems) {
  const std::string& target = product.targets.front();
  std::vector<SourceList> lists;
  std::set<std::uint64_t> all;
  for (std::size_t i = 0; i < product.sources.size(); ++i) {
    lists.emplace_back(convert.from[i], product.sources[i], numbers[i]);
    all.insert(lists.back().numbers().begin(), lists.back().numbers().end());
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
