#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "random_plans.hpp"
#include "views/operations.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;
using views::View;

namespace {

/// Eight experts merged into one tensor of 4 MiB with one scale, and one of 256 KiB beside it.
Asked merged(Sink sink, MergeMethod merge) {
  Asked asked;
  CatalogueBuilder builder;
  builder.next_file(800);
  std::vector<View> experts;
  for (std::uint32_t i = 0; i < 8; ++i) {
    builder.add("experts." + std::to_string(i), Dtype::bf16, {256, 1024});
    experts.push_back(views::whole(i, {256, 1024}).value());
  }
  builder.add("small", Dtype::bf16, {128, 1024});
  asked.catalogue = builder.take();
  asked.blueprints.tensors = {
      {"experts", Dtype::bf16, views::stack(experts, 0).value(), std::nullopt, std::nullopt},
      {"small", Dtype::bf16, views::whole(8, {128, 1024}).value(), std::nullopt, std::nullopt}};
  asked.request.treatments =
      treatments_of({Format{FormatKind::fp8_tensor}, Format{FormatKind::fp8_tensor}});
  asked.request.sink = sink;
  asked.request.slots = 6;
  asked.request.merge = merge;
  return asked;
}

std::uint64_t line_of(const Plan& plan) {
  return plan.devices.front().load_line;
}

/// The plans of ever smaller budgets, from the first to the last there is.
std::vector<Plan> ever_smaller(Asked asked) {
  std::vector<Plan> plans;
  for (;;) {
    auto plan = plan_for(asked);
    if (!plan) break;
    asked.request.budget = line_of(*plan) - 1;
    plans.push_back(std::move(*plan));
  }
  return plans;
}

}  // namespace

TEST_CASE("a budget turns gathers into two passes once their slots are given up") {
  for (const Sink sink : all_sinks) {
    const std::vector<Plan> plans = ever_smaller(merged(sink, MergeMethod::automatic));
    REQUIRE(plans.size() > 6);
    for (const Plan& plan : plans) {
      const OutputTensor& experts = plan.outputs.front();
      const DeviceLine& line = plan.devices.front();
      const bool fits = line.slots >= 4 && plan.unit_bytes == 1 << 20;
      CHECK((experts.merge == Merge::gather) == fits);
      CHECK((experts.merge == Merge::two_pass) == !fits);
      if (plan.unit_bytes >= 1 << 18) CHECK(plan.outputs[1].merge == Merge::fold);
      CHECK(line.load_line >= plan.smallest_load_line);
    }
    CHECK(line_of(plans.back()) == plans.front().smallest_load_line);
    CHECK(plans.back().devices.front().slots == 1);
    CHECK(plans.back().unit_bytes == smallest_unit_bytes);
  }
}

TEST_CASE("what is forced stays so under every budget") {
  for (const Sink sink : all_sinks) {
    for (const Plan& plan : ever_smaller(merged(sink, MergeMethod::gather))) {
      CHECK(plan.outputs[0].merge == Merge::gather);
      CHECK(plan.outputs[1].merge == Merge::gather);
    }
    for (const Plan& plan : ever_smaller(merged(sink, MergeMethod::two_pass))) {
      CHECK(plan.outputs[0].merge == Merge::two_pass);
      CHECK(plan.outputs[1].merge == Merge::two_pass);
    }
  }
}

TEST_CASE("units are not lowered below what a forced fold needs whole") {
  for (const Sink sink : all_sinks) {
    Asked asked = merged(sink, MergeMethod::fold);
    asked.request.unit_bytes = 8 << 20;
    const std::vector<Plan> plans = ever_smaller(asked);
    REQUIRE_FALSE(plans.empty());
    for (const Plan& plan : plans) {
      CHECK(plan.outputs.front().merge == Merge::fold);
      CHECK(plan.units.size() == 2);
      CHECK(plan.unit_bytes >= 4 << 20);
    }
    CHECK(line_of(plans.back()) == plans.front().smallest_load_line);
  }
}

TEST_CASE("the smallest line of merges works with one slot, which holds one unit") {
  RandomAsked random(42);
  for (int round = 0; round < 100; ++round) {
    for (const Sink sink : all_sinks) {
      Asked asked = random(sink);
      asked.request.devices = {"host"};
      const auto free = plan_for(asked);
      REQUIRE(free);
      asked.request.budget = free->smallest_load_line;
      asked.request.slots = 1;
      const auto tight = plan_for(asked);
      REQUIRE(tight);
      REQUIRE(tight->smallest_load_line == free->smallest_load_line);
      REQUIRE(line_of(*tight) <= free->smallest_load_line);
      for (const Unit& unit : tight->units) REQUIRE(unit.slots <= 1);
    }
  }
}

TEST_CASE("many slots are given up in few steps") {
  Asked asked = merged(Sink::memory, MergeMethod::automatic);
  asked.request.slots = most_slots;
  const std::vector<Plan> plans = ever_smaller(asked);
  CHECK(plans.size() < 700);
  std::set<std::uint32_t> slots;
  for (const Plan& plan : plans) slots.insert(plan.devices.front().slots);
  for (std::uint32_t few = 1; few <= 64; ++few) CHECK(slots.count(few) == 1);
}
