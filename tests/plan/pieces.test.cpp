#include "plan/pieces.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "random_plans.hpp"
#include "views/operations.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

TEST_CASE("the pieces of all units make every component, each byte once, but for constants") {
  on_random_plans(30, 150, [](const Asked&, const Plan& plan) {
    std::vector<std::vector<std::uint8_t>> made(plan.components.size());
    for (std::size_t i = 0; i < made.size(); ++i) made[i].resize(plan.components[i].bytes, 0);
    for (const Unit& unit : plan.units) {
      const OutputTensor& output = plan.outputs[unit.output];
      const Pieces pieces = pieces_of(plan, unit);
      REQUIRE((pieces.count == 0) == unit.route.measure);
      for (const Piece& piece : pieces) {
        REQUIRE(piece.component >= output.first_component);
        REQUIRE(piece.component < output.first_component + output.component_count);
        REQUIRE(plan.components[piece.component].constant == no_constant);
        REQUIRE((piece.rows == 1 || piece.stride >= piece.row_bytes));
        std::vector<std::uint8_t>& bytes = made[piece.component];
        for (std::uint64_t row = 0; row < piece.rows; ++row) {
          const std::uint64_t begin = piece.offset + row * piece.stride;
          REQUIRE(begin + piece.row_bytes <= bytes.size());
          for (std::uint64_t i = 0; i < piece.row_bytes; ++i) ++bytes[begin + i];
        }
      }
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      const bool constant = plan.components[i].constant != no_constant;
      const auto right = std::count(made[i].begin(), made[i].end(), constant ? 0 : 1);
      REQUIRE(right == static_cast<std::ptrdiff_t>(made[i].size()));
    }
  });
}

TEST_CASE("a unit's pieces lie apart and aligned inside its output buffer") {
  on_random_plans(31, 150, [](const Asked&, const Plan& plan) {
    if (plan.sink != Sink::checkpoint) return;
    for (const Unit& unit : plan.units) {
      const OutputTensor& output = plan.outputs[unit.output];
      std::uint64_t end = 0;
      for (const Piece& piece : pieces_of(plan, unit)) {
        REQUIRE(piece.buffer_offset >= end);
        end = piece.buffer_offset + piece.bytes();
        REQUIRE(end <= plan.devices[output.device].output_bytes);
        if (plan.components[piece.component].role != Role::data) {
          REQUIRE(piece.buffer_offset % alignof(float) == 0);
        }
      }
    }
  });
}

TEST_CASE("a quantized unit makes half a byte an element and a scale a block") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("w.weight", Dtype::bf16, {1, 100001});
  PlanRequest request;
  request.treatments = treatments_of({Format{FormatKind::nf4}});
  request.unit_bytes = 65536;
  const auto plan = plan_as_stored(builder.take(), request);
  REQUIRE(plan);
  REQUIRE(plan->units.size() == 4);
  const Pieces second = pieces_of(*plan, plan->units[1]);
  REQUIRE(second.count == 2);
  CHECK(second.items[0].offset == 16384);
  CHECK(second.items[0].bytes() == 16384);
  CHECK(second.items[1].offset == 512 * 4);
  CHECK(second.items[1].bytes() == 512 * 4);
  const Pieces last = pieces_of(*plan, plan->units[3]);  // 1697 elements: 26.5 blocks
  CHECK(last.items[0].bytes() == 849);
  CHECK(last.items[1].bytes() == 27 * 4);
  CHECK(last.items[1].buffer_offset == 896);
}

TEST_CASE("a cast unit makes one piece in the new dtype's size, a kept one its own bytes") {
  CatalogueBuilder builder;
  builder.next_file(8 + 24);
  builder.add("cast", Dtype::f64, {100});
  builder.add("kept", Dtype::i32, {100});
  PlanRequest request;
  request.treatments = treatments_of({Format{FormatKind::f16}, Format{}});
  request.sink = Sink::checkpoint;
  const auto plan = plan_as_stored(builder.take(), request);
  REQUIRE(plan);
  const Pieces cast = pieces_of(*plan, plan->units[0]);
  REQUIRE(cast.count == 1);
  CHECK(cast.items[0].bytes() == 200);
  CHECK(cast.items[0].buffer_offset == 0);
  const Pieces kept = pieces_of(*plan, plan->units[1]);
  REQUIRE(kept.count == 1);
  CHECK(kept.items[0].bytes() == 400);
  CHECK(kept.items[0].buffer_offset == 832);  // where the read lands: the offset in the file
}

namespace {

void check_piece(const Piece& piece, std::uint64_t offset, std::uint64_t row_bytes,
                 std::uint64_t rows, std::uint64_t stride) {
  CHECK(piece.offset == offset);
  CHECK(piece.row_bytes == row_bytes);
  CHECK(piece.rows == rows);
  CHECK((rows == 1 || piece.stride == stride));
}

Plan tiled(io::Shape shape, std::uint64_t unit_bytes, codecs::Fp8Scale scale) {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("w.weight", Dtype::bf16, std::move(shape));
  Format format{FormatKind::fp8_block};
  format.scale = scale;
  PlanRequest request;
  request.treatments = treatments_of({format});
  request.unit_bytes = unit_bytes;
  auto plan = plan_as_stored(builder.take(), request);
  REQUIRE(plan);
  return std::move(*plan);
}

}  // namespace

TEST_CASE("a unit of whole rows of tiles makes one run of codes and one of scales") {
  const Plan plan = tiled({300, 1000}, 256 * 1000 * 2, codecs::Fp8Scale::f32);
  REQUIRE(plan.units.size() == 2);
  const Pieces last = pieces_of(plan, plan.units[1]);
  REQUIRE(last.count == 2);
  CHECK(last.items[0].offset == 256 * 1000);
  CHECK(last.items[0].bytes() == 44 * 1000);
  check_piece(last.items[1], 2 * 8 * 4, 32, 1, 0);
  CHECK(last.items[1].buffer_offset == 44032);
}

TEST_CASE("tiles of a matrix too wide for a unit lie in rows, codes and scales alike") {
  for (const auto scale : {codecs::Fp8Scale::f32, codecs::Fp8Scale::ue8m0}) {
    const std::uint64_t width = scale == codecs::Fp8Scale::f32 ? 4 : 1;
    const Plan plan = tiled({2, 300, 10000}, 128 * 2048 * 2, scale);
    REQUIRE(plan.units.size() == 2 * 3 * 5);
    const Unit& unit = plan.units[15 + 5 + 4];  // second matrix, second row of tiles, the right end
    CHECK(unit.region == views::Region{428 * 10000 + 8192, 128, 1808, 10000});
    const Pieces pieces = pieces_of(plan, unit);
    check_piece(pieces.items[0], 428 * 10000 + 8192, 1808, 128, 10000);
    check_piece(pieces.items[1], ((3 + 1) * 79 + 64) * width, 15 * width, 1, 79 * width);
    CHECK(pieces.items[1].buffer_offset == 128 * 1808);
  }
}

TEST_CASE("a row of tiles up to four times as large as a unit is read as one run") {
  const Plan plan = tiled({300, 8192}, 128 * 2048 * 2, codecs::Fp8Scale::f32);
  CHECK(plan.units.size() == 3);
  CHECK(plan.reads.size() == 3);
}

TEST_CASE("tiles of a transposed matrix lie in rows of their own") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("w.weight", Dtype::bf16, {1024, 4096});
  Blueprints blueprints;
  blueprints.tensors = {{"w.weight", Dtype::bf16,
                         views::transpose(views::whole(0, {1024, 4096}).value(), 0, 1).value(),
                         std::nullopt, std::nullopt}};
  PlanRequest request;
  request.treatments = treatments_of({Format{FormatKind::fp8_block}});
  const auto plan = make_plan(builder.take(), blueprints, request);
  REQUIRE(plan);
  REQUIRE(plan->units.size() == 8);  // 128 rows of the source each
  const Unit& unit = plan->units[3];
  CHECK(unit.region == views::Region{384, 4096, 128, 1024});
  const Pieces pieces = pieces_of(*plan, unit);
  check_piece(pieces.items[0], 384, 128, 4096, 1024);
  check_piece(pieces.items[1], 3 * 4, 4, 32, 8 * 4);
}
