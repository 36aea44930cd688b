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

constexpr FormatKind all_kinds[] = {FormatKind::keep,      FormatKind::bf16, FormatKind::f16,
                                    FormatKind::f32,       FormatKind::nf4,  FormatKind::fp8_block,
                                    FormatKind::fp8_tensor};

constexpr MergeMethod all_methods[] = {MergeMethod::automatic, MergeMethod::fold,
                                       MergeMethod::gather, MergeMethod::two_pass};

/// One tensor of a sparse file, as it is or turned.
Asked claimed(Dtype dtype, const io::Shape& shape, FormatKind kind, bool transposed) {
  Asked asked;
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("w", dtype, shape);
  asked.catalogue = builder.take();
  asked.blueprints = as_stored(asked.catalogue);
  View& view = asked.blueprints.tensors.front().view;
  const std::size_t rank = shape.size();
  if (transposed) view = views::transpose(view, rank - 2, rank - 1).value();
  asked.request.treatments = treatments_of({Format{kind}});
  return asked;
}

}  // namespace

TEST_CASE("tensors that claim to be enormous get a plan or a refusal, and soon") {
  const std::uint64_t one = 1;
  const io::Shape shapes[] = {{one << 54, 4},
                              {4, one << 54},
                              {one << 28, one << 28},
                              {one << 50, 8, 8},
                              {one << 20, one << 18, one << 18},
                              {one << 55, 1},
                              {1, one << 55},
                              {3, (one << 54) + 1},
                              {(one << 40) + 1, 4097}};
  for (const io::Shape& shape : shapes) {
    for (const FormatKind kind : all_kinds) {
      for (const bool transposed : {false, true}) {
        for (const MergeMethod method : all_methods) {
          if (method != MergeMethod::automatic && kind != FormatKind::fp8_tensor) continue;
          Asked asked = claimed(Dtype::f8_e4m3, shape, kind, transposed);
          asked.request.merge = method;
          asked.request.slots = most_slots;
          asked.request.budget = std::uint64_t{1} << 50;
          INFO(views::text_of(shape) << " format " << static_cast<int>(kind) << " turned "
                                     << transposed << " merge " << static_cast<int>(method));
          const auto plan = plan_for(asked);
          REQUIRE_FALSE(plan);
          const ErrorCode code = plan.error().code();
          CHECK((code == ErrorCode::invalid_argument || code == ErrorCode::infeasible_budget ||
                 code == ErrorCode::unsupported));
        }
      }
    }
  }
}

TEST_CASE("a line that is more than can be counted does not wrap around") {
  // One run of the source is a row of 2^53 columns, which a unit of whole rows must hold.
  Asked asked = claimed(Dtype::f8_e4m3, {8, (std::uint64_t{1} << 52) + 1}, FormatKind::nf4, false);
  asked.request.unit_bytes = largest_unit_bytes;
  asked.request.slots = most_slots;
  asked.request.merge = MergeMethod::gather;
  asked.blueprints.tensors.front().view =
      views::transpose(asked.blueprints.tensors.front().view, 0, 1).value();
  asked.request.budget = std::uint64_t{1} << 54;
  const auto plan = plan_for(asked);
  if (plan) {
    CHECK(plan->devices.front().load_line <= *asked.request.budget);
  } else {
    CHECK(plan.error().code() != ErrorCode::internal);
  }
}

TEST_CASE("a hundred thousand small tensors are planned, of every format") {
  CatalogueBuilder builder;
  builder.next_file(8);
  PlanRequest request;
  for (std::uint32_t i = 0; i < 1u << 17; ++i) {
    builder.add(std::to_string(i), Dtype::bf16, {2, 2});
    request.treatments.push_back({Format{all_kinds[i % std::size(all_kinds)]}, std::nullopt});
  }
  const auto plan = plan_as_stored(builder.take(), request);
  REQUIRE(plan);
  CHECK(plan->units.size() == 1u << 17);
}

TEST_CASE("an empty tensor has a plan in every format, however it merges and wherever it goes") {
  const io::Shape shapes[] = {{0}, {0, 4}, {4, 0}, {4, 0, 4}, {0, 128, 128}, {2, 3, 0, 5}};
  for (const io::Shape& shape : shapes) {
    for (const FormatKind kind : all_kinds) {
      for (const MergeMethod method : all_methods) {
        for (const Sink sink : all_sinks) {
          if (kind == FormatKind::fp8_block && shape.size() < 2) continue;
          Asked asked = claimed(Dtype::f32, shape, kind, false);
          asked.request.merge = method;
          asked.request.sink = sink;
          const auto plan = plan_for(asked);
          REQUIRE(plan);
          REQUIRE_FALSE(plan->units.empty());
          CHECK(plan->reads.empty());
          for (const Component& component : plan->components) {
            CHECK((component.bytes == 0) == (component.constant == no_constant));
          }
        }
      }
    }
  }
}

TEST_CASE("tensors of every rank become every format that they can") {
  const io::Shape shapes[] = {{}, {5}, {130, 140}, {3, 130, 140}, {2, 3, 18, 40}};
  for (const io::Shape& shape : shapes) {
    for (const FormatKind kind : all_kinds) {
      Asked asked = claimed(Dtype::bf16, shape, kind, false);
      const auto plan = plan_for(asked);
      REQUIRE(plan.has_value() == (kind != FormatKind::fp8_block || shape.size() >= 2));
      if (!plan) CHECK(plan.error().code() == ErrorCode::unsupported);
      if (kind != FormatKind::fp8_block || !plan) continue;
      io::Shape grid = shape;
      for (std::size_t i = grid.size() - 2; i < grid.size(); ++i) grid[i] = (grid[i] + 127) / 128;
      CHECK(plan->components[1].shape == grid);
      CHECK(plan->components[1].bytes == 4 * io::element_count(grid));
    }
  }
}

TEST_CASE("numbers of less than a byte stay whole, and nothing else can be made of them") {
  for (const Dtype dtype : {Dtype::f4_e2m1, Dtype::f6_e2m3, Dtype::f6_e3m2}) {
    const auto kept = plan_for(claimed(dtype, {16, 32}, FormatKind::keep, false));
    REQUIRE(kept);
    CHECK(kept->components.front().bytes == 16 * 32 * bits_of(dtype) / 8);
    const auto turned = plan_for(claimed(dtype, {16, 32}, FormatKind::keep, true));
    REQUIRE_FALSE(turned);
    CHECK(turned.error().reason().find("can only stay whole") != std::string::npos);
    for (const FormatKind kind : all_kinds) {
      if (kind == FormatKind::keep) continue;
      CHECK(plan_for(claimed(dtype, {16, 32}, kind, false)).error().code() ==
            ErrorCode::unsupported);
    }
  }
}
