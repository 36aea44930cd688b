#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::simulation::test {

/// What is loaded: in each layer `experts` experts with a gate, an up and a down projection, a
/// tensor each, and attention that is no part of a merge. Of each layer's experts two tensors are
/// made, all gates and ups in one and all downs in the other.
struct MergeScenario {
  std::uint32_t layers = 1;
  std::uint32_t experts = 2;
  std::uint32_t readers = 1;  ///< that wait for credits and read side by side
};

enum class CreditRule : std::uint8_t {
  /// A semaphore: a credit per source tensor, to whoever asks first. Readers ask in the order of
  /// the
  /// checkpoint's names, and a merge gives its credits back when it has all its parts and was made.
  naive,
  /// actors::GrantOrder, a ticket of one slot per part, which comes back once the part is in its
  /// place in the merged tensor.
  fold,
  /// actors::GrantOrder, a ticket of k slots per merge of k parts, which come back with the merge.
  gather,
  /// actors::GrantOrder, used wrongly: a ticket of one slot per part, in the order of names, which
  /// comes back with the merge.
  gather_by_single_tickets,
};

struct MergeOutcome {
  /// Every merge was made of all its parts, and every credit is home.
  bool ended = false;
  /// Nothing is left to happen although merges wait: who holds the credits, and what for.
  std::optional<std::string> standstill;
  std::uint32_t credits_held = 0;     ///< when nothing was left to happen
  std::uint32_t most_held = 0;        ///< credits, at any time
  std::vector<std::uint32_t> grants;  ///< source tensors, by their place among the names
};

/// Runs the scenario's actors with so many credits until nothing is left to happen, in the order
/// that the seed chooses. Neither `ended` nor `standstill` if a promise was broken otherwise.
[[nodiscard]] MergeOutcome run_merges(const MergeScenario& scenario, CreditRule rule,
                                      std::uint32_t credits, std::uint64_t seed);

/// Source tensors of the scenario, over all layers.
[[nodiscard]] std::uint32_t source_tensors(const MergeScenario& scenario);

/// Parts of the largest merge.
[[nodiscard]] std::uint32_t largest_merge(const MergeScenario& scenario);

}  // namespace plimsoll::simulation::test
