// Why credits are tickets in one order and not a semaphore: the way that locks is run beside the
// way that does not, with the same actors, tensors and seeds, so that it is seen to lock.

#include "naive_credits.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "simulation/choices.hpp"

using namespace plimsoll::simulation;
using namespace plimsoll::simulation::test;

namespace {

constexpr std::uint64_t seeds = 200;

MergeScenario random_scenario(std::uint64_t seed, std::uint32_t readers) {
  Choices choices(seed ^ 0x5EED);
  MergeScenario scenario;
  scenario.layers = static_cast<std::uint32_t>(choices.between(1, 3));
  scenario.experts = static_cast<std::uint32_t>(choices.between(2, 9));
  scenario.readers = readers;
  return scenario;
}

/// Names order as experts.0.down, .gate, .up, experts.1.down ...: until the last down is there, no
/// merge is complete, and all that come before it keep their credits.
std::uint32_t credits_of_all_before_the_last_down(const MergeScenario& scenario) {
  return 3 * scenario.experts - 2;
}

void check_ended(const MergeScenario& scenario, const MergeOutcome& outcome) {
  INFO(outcome.standstill.value_or("no standstill"));
  CHECK(outcome.ended);
  CHECK_FALSE(outcome.standstill.has_value());
  // Each source tensor was granted once.
  std::vector<std::uint32_t> grants = outcome.grants;
  std::sort(grants.begin(), grants.end());
  REQUIRE(grants.size() == source_tensors(scenario));
  for (std::uint32_t i = 0; i < grants.size(); ++i) REQUIRE(grants[i] == i);
}

void check_stands_still(const MergeOutcome& outcome, std::uint32_t credits) {
  CHECK_FALSE(outcome.ended);
  REQUIRE(outcome.standstill.has_value());
  CHECK(outcome.credits_held == credits);
  CHECK(outcome.standstill->find(std::to_string(credits) + " of " + std::to_string(credits) +
                                 " credits are held by merges that wait for parts") == 0);
}

}  // namespace

TEST_CASE(
    "a credit per source tensor in the order of names stands still below what a merge needs") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const MergeScenario scenario = random_scenario(seed, 1);
    const std::uint32_t needed = credits_of_all_before_the_last_down(scenario);
    const auto credits = static_cast<std::uint32_t>(Choices(seed).between(1, needed - 1));
    INFO("seed " << seed << ", " << scenario.experts << " experts, " << credits << " credits");
    const MergeOutcome outcome = run_merges(scenario, CreditRule::naive, credits, seed);
    check_stands_still(outcome, credits);
  }
}

TEST_CASE("the same credits end with just as many as a merge needs") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const MergeScenario scenario = random_scenario(seed, 1);
    INFO("seed " << seed << ", " << scenario.experts << " experts");
    const std::uint32_t credits = credits_of_all_before_the_last_down(scenario);
    check_ended(scenario, run_merges(scenario, CreditRule::naive, credits, seed));
  }
}

TEST_CASE("four readers with four credits, as published, stand still in every seed") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    MergeScenario scenario = random_scenario(seed, 4);
    scenario.experts = std::max(scenario.experts, 4U);  // Mixtral has 8, Qwen3 128
    INFO("seed " << seed << ", " << scenario.experts << " experts");
    check_stands_still(run_merges(scenario, CreditRule::naive, 4, seed), 4);
  }
}

TEST_CASE("four readers end with a credit for every tensor") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const MergeScenario scenario = random_scenario(seed, 4);
    INFO("seed " << seed << ", " << scenario.experts << " experts");
    check_ended(scenario, run_merges(scenario, CreditRule::naive, source_tensors(scenario), seed));
  }
}

TEST_CASE("with about as many credits as a merge needs the schedule decides") {
  std::uint64_t ended = 0;
  std::uint64_t stood_still = 0;
  const MergeScenario scenario{2, 6, 4};
  const std::uint32_t credits = credits_of_all_before_the_last_down(scenario);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const MergeOutcome outcome = run_merges(scenario, CreditRule::naive, credits, seed);
    CHECK(outcome.ended != outcome.standstill.has_value());
    ended += outcome.ended;
    stood_still += outcome.standstill.has_value();
  }
  CHECK(ended > 0);
  CHECK(stood_still > 0);
}

TEST_CASE("tickets that fold end with one credit") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    for (const std::uint32_t readers : {1U, 4U}) {
      const MergeScenario scenario = random_scenario(seed, readers);
      INFO("seed " << seed << ", " << scenario.experts << " experts");
      const MergeOutcome outcome = run_merges(scenario, CreditRule::fold, 1, seed);
      check_ended(scenario, outcome);
      CHECK(outcome.most_held == 1);
    }
  }
}

TEST_CASE("tickets that gather end with the credits of the largest merge") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    for (const std::uint32_t readers : {1U, 4U}) {
      const MergeScenario scenario = random_scenario(seed, readers);
      INFO("seed " << seed << ", " << scenario.experts << " experts");
      const std::uint32_t credits = largest_merge(scenario);
      const MergeOutcome outcome = run_merges(scenario, CreditRule::gather, credits, seed);
      check_ended(scenario, outcome);
      CHECK(outcome.most_held == credits);
    }
  }
}

TEST_CASE("it is the tickets that keep a gather from locking: one a part stands still as well") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const MergeScenario scenario = random_scenario(seed, 4);
    const std::uint32_t needed = credits_of_all_before_the_last_down(scenario);
    INFO("seed " << seed << ", " << scenario.experts << " experts");
    const auto rule = CreditRule::gather_by_single_tickets;
    check_stands_still(run_merges(scenario, rule, needed - 1, seed), needed - 1);
    check_ended(scenario, run_merges(scenario, rule, needed, seed));
  }
}

TEST_CASE("a seed repeats its run exactly") {
  const MergeScenario scenario{2, 6, 4};
  std::vector<std::vector<std::uint32_t>> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const MergeOutcome first = run_merges(scenario, CreditRule::naive, 16, seed);
    const MergeOutcome again = run_merges(scenario, CreditRule::naive, 16, seed);
    CHECK(first.grants == again.grants);
    CHECK(first.standstill == again.standstill);
    orders.push_back(first.grants);
  }
  std::sort(orders.begin(), orders.end());
  CHECK(std::unique(orders.begin(), orders.end()) - orders.begin() > 10);
}
