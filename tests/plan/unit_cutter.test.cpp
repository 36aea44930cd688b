#include "plan/unit_cutter.hpp"

#include <algorithm>
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

/// Experts of one shape, in a file each, and one tensor that is made of them.
struct Experts {
  Experts(std::uint32_t count, Dtype of, const io::Shape& shape) : dtype(of) {
    for (std::uint32_t i = 0; i < count; ++i) {
      builder.next_file(800);
      builder.add("experts." + std::to_string(i) + ".weight", dtype, shape);
      parts.push_back(views::whole(i, shape).value());
    }
  }

  Plan plan(Expected<View> view, const Format& format, PlanRequest request = {}) {
    if (!view) FAIL(view.error().what());
    Blueprints blueprints;
    blueprints.tensors = {{"experts", dtype, std::move(*view), std::nullopt, std::nullopt}};
    request.treatments = treatments_of({format});
    auto plan = make_plan(builder.take(), std::move(blueprints), request);
    if (!plan) FAIL(plan.error().what());
    return std::move(*plan);
  }

  Dtype dtype;
  CatalogueBuilder builder;
  std::vector<View> parts;
};

PlanRequest units_of(std::uint64_t bytes) {
  PlanRequest request;
  request.unit_bytes = bytes;
  return request;
}

}  // namespace

TEST_CASE("experts that are merged in order are read straight, however many a unit takes of") {
  Experts experts(5, Dtype::bf16, {8, 64});
  const Plan plan = experts.plan(views::stack(experts.parts, 0), Format{FormatKind::nf4});
  REQUIRE(plan.units.size() == 1);
  const Unit& unit = plan.units.front();
  CHECK(unit.read_count == 5);
  CHECK_FALSE(unit.route.rearrange);
  CHECK_FALSE(unit.padded);
  CHECK(plan.outputs.front().parts == 5);
  for (std::uint32_t i = 0; i < 5; ++i) {
    CHECK(plan.reads[i].source == i);
    CHECK(plan.reads[i].file == i);
    CHECK(plan.reads[i].offset == 800);
    CHECK(plan.reads[i].bytes == 1024);
  }
}

TEST_CASE("gates and ups alternate in what a unit reads") {
  Experts experts(4, Dtype::bf16, {128, 64});
  const auto half = experts.parts.begin() + 2;
  const View gates = views::stack(std::vector(experts.parts.begin(), half), 0).value();
  const View ups = views::stack(std::vector(half, experts.parts.end()), 0).value();
  const Plan plan = experts.plan(views::concatenate(std::vector{gates, ups}, 1), Format{},
                                 units_of(3 * 8192 * 2));
  REQUIRE(plan.units.size() == 2);
  CHECK(plan.units[0].slots == 0);
  REQUIRE(plan.units[0].read_count == 3);
  CHECK(plan.reads[0].source == 0);
  CHECK(plan.reads[1].source == 2);
  CHECK(plan.reads[2].source == 1);
  REQUIRE(plan.units[1].read_count == 1);
  CHECK(plan.reads[3].source == 3);
}

TEST_CASE("rows of a few bytes that change places are read together and arranged") {
  Experts experts(1, Dtype::bf16, {512, 64});
  const Plan plan = experts.plan(views::interleave(experts.parts[0], 0), Format{});
  REQUIRE(plan.units.size() == 1);
  const Unit& unit = plan.units.front();
  CHECK(unit.route.rearrange);
  CHECK(unit.route.convert);
  CHECK(unit.slots == 1);
  CHECK(unit.read_count == 1);
  CHECK(unit.padded);
}

TEST_CASE("rows that are long enough are read one by one, where they belong") {
  Experts experts(1, Dtype::bf16, {16, 16384});
  const Plan plan = experts.plan(views::interleave(experts.parts[0], 0), Format{});
  REQUIRE(plan.units.size() == 1);
  const Unit& unit = plan.units.front();
  CHECK(unit.route.is_kept());
  CHECK(unit.slots == 0);
  REQUIRE(unit.read_count == 16);
  CHECK(plan.reads[0].first == 0);
  CHECK(plan.reads[1].first == 2 * 16384);
  CHECK(plan.reads[8].first == 16384);
}

TEST_CASE("a transposed tensor is cut into slabs, each one run of its source") {
  Experts experts(1, Dtype::bf16, {512, 1024});
  const Plan plan = experts.plan(views::transpose(experts.parts[0], 0, 1), Format{FormatKind::nf4},
                                 units_of(1 << 18));
  REQUIRE(plan.units.size() == 4);
  for (std::uint64_t i = 0; i < 4; ++i) {
    const Unit& unit = plan.units[i];
    CHECK(unit.region == views::Region{i * 128, 1024, 128, 512});
    CHECK(unit.route.rearrange);
    REQUIRE(unit.read_count == 1);
    CHECK(plan.reads[unit.first_read].first == i * 128 * 1024);
    CHECK(plan.reads[unit.first_read].bytes == 1 << 18);
  }
}

TEST_CASE("a share of the columns reads nothing of the others") {
  Experts experts(1, Dtype::f32, {64, 1000});
  const Plan plan = experts.plan(views::slice(experts.parts[0], 1, 250, 500), Format{});
  REQUIRE(plan.units.size() == 1);
  REQUIRE(plan.units.front().read_count == 64);
  CHECK(plan.units.front().route.is_kept());
  CHECK(plan.outputs.front().source_bytes == 64 * 250 * 4);
  CHECK(plan.reads[1].first == 1250);
  CHECK(plan.reads[1].bytes == 1000);
}

TEST_CASE("two passes read everything first, and then again what they make codes of") {
  Experts experts(2, Dtype::bf16, {256, 1024});
  PlanRequest request = units_of(1 << 18);
  request.merge = MergeMethod::two_pass;
  const Plan plan =
      experts.plan(views::stack(experts.parts, 0), Format{FormatKind::fp8_tensor}, request);
  REQUIRE(plan.units.size() == 8);
  CHECK(plan.outputs.front().merge == Merge::two_pass);
  CHECK(plan.outputs.front().measuring_units == 4);
  for (std::size_t i = 0; i < 8; ++i) {
    const Unit& unit = plan.units[i];
    CHECK(unit.route.measure == (i < 4));
    CHECK(unit.route.quantize == (i >= 4));
    CHECK(unit.waits == (i == 4));
    CHECK(plan.reads[unit.first_read].offset == 800 + i % 2 * (1 << 18));
  }
  CHECK(plan.devices.front().state_bytes == 64);
}

TEST_CASE("one scale is gathered in adjacent slots where they suffice, else found in two passes") {
  for (const std::uint32_t slots : {4u, 5u, 8u}) {
    Experts experts(2, Dtype::bf16, {256, 1024});
    PlanRequest request = units_of(1 << 18);
    request.slots = slots;
    const Plan plan =
        experts.plan(views::stack(experts.parts, 0), Format{FormatKind::fp8_tensor}, request);
    CHECK(plan.outputs.front().merge == Merge::gather);
    REQUIRE(plan.units.size() == 1);
    CHECK(plan.units.front().slots == 4);
    CHECK(plan.units.front().read_count == 2);
    CHECK(plan.devices.front().state_bytes == 0);
  }
  Experts experts(2, Dtype::bf16, {256, 1024});
  PlanRequest request = units_of(1 << 18);
  request.slots = 3;
  const Plan plan =
      experts.plan(views::stack(experts.parts, 0), Format{FormatKind::fp8_tensor}, request);
  CHECK(plan.outputs.front().merge == Merge::two_pass);
}

TEST_CASE("a tensor with one scale that is one unit anyway folds") {
  Experts experts(2, Dtype::bf16, {16, 64});
  PlanRequest request;
  request.merge = MergeMethod::fold;
  const Plan plan =
      experts.plan(views::stack(experts.parts, 0), Format{FormatKind::fp8_tensor}, request);
  CHECK(plan.outputs.front().merge == Merge::fold);
  CHECK(plan.units.size() == 1);
}

TEST_CASE("a merge that is forced to gather makes slots as large as it takes") {
  for (const Format& format : {Format{FormatKind::fp8_tensor}, Format{FormatKind::nf4}}) {
    for (const std::uint32_t slots : {1u, 2u, 3u}) {
      Experts experts(4, Dtype::bf16, {256, 1024});
      PlanRequest request = units_of(1 << 18);
      request.slots = slots;
      request.merge = MergeMethod::gather;
      const Plan plan = experts.plan(views::stack(experts.parts, 0), format, request);
      CHECK(plan.outputs.front().merge == Merge::gather);
      REQUIRE(plan.units.size() == 1);
      CHECK(plan.units.front().slots == slots);
      const DeviceLine& line = plan.devices.front();
      CHECK(line.slot_bytes * slots >= (2 << 20) + 4096);
      CHECK(line.slot_bytes * slots <= (2 << 20) + 4096 * (1 + slots));
    }
  }
}

TEST_CASE("a merge without scales across its parts is gathered only where it is forced") {
  Experts experts(4, Dtype::bf16, {256, 1024});
  const Plan plan = experts.plan(views::stack(experts.parts, 0), Format{FormatKind::nf4});
  CHECK(plan.outputs.front().merge == Merge::fold);
  Experts kept(4, Dtype::bf16, {256, 1024});
  PlanRequest request;
  request.merge = MergeMethod::gather;
  const Plan in_place = kept.plan(views::stack(kept.parts, 0), Format{}, request);
  CHECK(in_place.outputs.front().merge == Merge::fold);
  CHECK(in_place.devices.front().slot_bytes == 0);
}

TEST_CASE("one scale for several units cannot be forced to fold") {
  Experts experts(2, Dtype::bf16, {256, 1024});
  Blueprints blueprints;
  blueprints.tensors = {
      {"experts", Dtype::bf16, views::stack(experts.parts, 0).value(), std::nullopt, std::nullopt}};
  PlanRequest request = units_of(1 << 18);
  request.treatments = treatments_of({Format{FormatKind::fp8_tensor}});
  request.merge = MergeMethod::fold;
  const auto plan = make_plan(experts.builder.take(), blueprints, request);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == ErrorCode::unsupported);
  CHECK(plan.error().tensor() == "experts");
  CHECK(plan.error().reason().find("only gather or two-pass") != std::string::npos);
}

TEST_CASE("parts of which some have scales and some have none are no tensor") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("a", Dtype::f8_e4m3, {4, 4});
  builder.add("b", Dtype::f8_e4m3, {4, 4});
  builder.add("scale", Dtype::f32, {1, 1});
  for (const std::uint32_t scaled : {0u, 1u}) {
    Blueprints blueprints;
    const std::vector parts{views::whole(0, {4, 4}).value(), views::whole(1, {4, 4}).value()};
    blueprints.tensors = {
        {"ab", Dtype::f8_e4m3, views::stack(parts, 0).value(), std::nullopt, std::nullopt}};
    blueprints.scales.resize(3);
    blueprints.scales[scaled] = TileScales{2, 128, 128};
    PlanRequest request;
    request.treatments = treatments_of({Format{FormatKind::bf16}});
    const auto plan = make_plan(CatalogueBuilder(builder).take(), blueprints, request);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code() == ErrorCode::malformed);
    CHECK(plan.error().tensor() == "ab");
  }
}
