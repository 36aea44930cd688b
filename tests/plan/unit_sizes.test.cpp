#include "plan/unit_sizes.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "plan/align.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;
using views::Region;

namespace {

constexpr Format keep{};
constexpr Format nf4{FormatKind::nf4, codecs::Nf4Variant::cuda, 64};
constexpr Format to_bf16{FormatKind::bf16};
constexpr Format fp8_block{FormatKind::fp8_block};
constexpr Format fp8_tensor{FormatKind::fp8_tensor};

std::vector<Format> all_formats() {
  return {keep,
          to_bf16,
          {FormatKind::f16},
          {FormatKind::f32},
          nf4,
          {FormatKind::nf4, codecs::Nf4Variant::cpu, 4096},
          fp8_block,
          fp8_tensor};
}

Work work_of(Dtype dtype, const Format& format) {
  return work_for({dtype}, {format, std::nullopt});
}

std::uint64_t slot_bytes(Dtype dtype, const Format& format, std::uint64_t elements) {
  const Work work = work_of(dtype, format);
  return slot_layout(packing_of(dtype), work.working, work.route, elements, 0).bytes;
}

std::uint64_t output_bytes(Dtype dtype, const Format& format, const io::Shape& shape,
                           const Region& region) {
  const Work work = work_of(dtype, format);
  OutputTensor output;
  output.source_dtype = dtype;
  output.dtype = work.working;
  output.format = format;
  output.shape = shape;
  output.stored = packing_of(dtype);
  output.made = format.kind == FormatKind::nf4      ? Packing{2, 1}
                : codecs::is_quantized(format.kind) ? Packing{1, 1}
                                                    : packing_of(work.working);
  return unit_output_bytes(output, work.route, region);
}

std::uint64_t output_bytes(Dtype dtype, const Format& format, std::uint64_t elements) {
  return output_bytes(dtype, format, {1, elements}, {0, 1, elements, 0});
}

}  // namespace

TEST_CASE("a unit may have as many elements as its bytes hold in the wider of its dtypes") {
  CHECK(unit_rules(packing_of(Dtype::bf16), work_of(Dtype::bf16, nf4), 1 << 20).max_elements ==
        1 << 19);
  CHECK(
      unit_rules(packing_of(Dtype::f8_e4m3), work_of(Dtype::f8_e4m3, nf4), 1 << 20).max_elements ==
      1 << 19);
  CHECK(unit_rules(packing_of(Dtype::f64), work_of(Dtype::f64, to_bf16), 1 << 20).max_elements ==
        1 << 17);
  CHECK(unit_rules(packing_of(Dtype::f32), work_of(Dtype::f32, keep), 1 << 20).max_elements ==
        1 << 18);
  CHECK(unit_rules(packing_of(Dtype::f4_e2m1), work_of(Dtype::f4_e2m1, keep), 1000).max_elements ==
        1000);
  CHECK(unit_rules(packing_of(Dtype::f64), work_of(Dtype::f64, nf4), 1).max_elements == 1);
}

TEST_CASE("units keep together what shares a scale") {
  const views::UnitRules blocks =
      unit_rules(packing_of(Dtype::bf16), work_of(Dtype::bf16, nf4), 1 << 20);
  CHECK(blocks.block == 64);
  CHECK(blocks.tile_rows == 0);
  const views::UnitRules tiles =
      unit_rules(packing_of(Dtype::bf16), work_of(Dtype::bf16, fp8_block), 1 << 20);
  CHECK(tiles.block == 1);
  CHECK(tiles.tile_rows == 128);
  CHECK(tiles.tile_columns == 128);
}

TEST_CASE("a slot has room for its source at any alignment and for what it decodes to") {
  CHECK(slot_bytes(Dtype::bf16, nf4, 2048) == 4096 + 4096);
  CHECK(slot_bytes(Dtype::bf16, nf4, 2049) == 8192 + 4096);
  CHECK(slot_bytes(Dtype::f32, to_bf16, 1024) == 4096 + 4096);
  CHECK(slot_bytes(Dtype::f8_e4m3, nf4, 4096) == 4096 + 4096 + 8192);
  CHECK(slot_bytes(Dtype::f64, nf4, 512) == 4096 + 4096 + 2048);
}

TEST_CASE("behind the source lie its scales, the decoded numbers and the arranged ones") {
  Route route;
  route.decode = route.rearrange = route.quantize = true;
  const SlotLayout all = slot_layout(packing_of(Dtype::f8_e4m3), Dtype::f32, route, 1000, 100);
  CHECK(all.scales == 8192);
  CHECK(all.decoded == 8192 + 128);
  CHECK(all.arranged == all.decoded + 4032);
  CHECK(all.bytes == all.arranged + 4032);
  route.decode = false;
  const SlotLayout moved = slot_layout(packing_of(Dtype::bf16), Dtype::bf16, route, 1000, 0);
  CHECK(moved.decoded == moved.scales);
  CHECK(moved.arranged == moved.decoded);
  CHECK(moved.bytes == moved.arranged + 2048);
}

TEST_CASE("an output buffer holds a unit's pieces, each aligned, in whole pages") {
  CHECK(scales_offset(nf4, 128) == 64);
  CHECK(scales_offset(nf4, 129) == 128);
  CHECK(scales_offset(nf4, 0) == 0);
  CHECK(scales_offset(fp8_block, 129) == 192);
  // 8192 elements: 4096 bytes of codes and 128 scales.
  CHECK(output_bytes(Dtype::bf16, nf4, 8192) == align_up(4096 + 128 * 4, page_size));
  CHECK(output_bytes(Dtype::bf16, fp8_tensor, 4096) == 8192);
  CHECK(output_bytes(Dtype::f32, to_bf16, 2048) == 4096);
  CHECK(output_bytes(Dtype::f32, to_bf16, 2049) == 8192);
  CHECK(output_bytes(Dtype::i64, keep, 512) == 8192);
}

TEST_CASE("even a unit of nothing has an output buffer to travel in") {
  CHECK(output_bytes(Dtype::bf16, nf4, 0) == page_size);
  CHECK(output_bytes(Dtype::bf16, fp8_block, 0) == page_size);
  CHECK(output_bytes(Dtype::bf16, fp8_tensor, 0) == page_size);
  CHECK(output_bytes(Dtype::f32, to_bf16, 0) == page_size);
  CHECK(output_bytes(Dtype::u8, keep, 0) == page_size);
}

TEST_CASE("sizes never shrink when a unit grows") {
  for (int i = 0; i < dtype_count; ++i) {
    for (const Format& format : all_formats()) {
      const auto dtype = static_cast<Dtype>(i);
      if (!can_make({dtype}, {format, std::nullopt})) continue;
      std::uint64_t slot = 0;
      std::uint64_t output = 0;
      for (std::uint64_t elements = 0; elements < 20000; elements += 61) {
        REQUIRE(slot_bytes(dtype, format, elements) >= slot);
        REQUIRE(output_bytes(dtype, format, elements) >= output);
        slot = slot_bytes(dtype, format, elements);
        output = output_bytes(dtype, format, elements);
      }
    }
  }
}

namespace {

void check_tiles(const io::Shape& shape, const Region& region, std::uint64_t first,
                 std::uint64_t rows, std::uint64_t columns, std::uint64_t row_stride) {
  const TileRange tiles = tiles_of(shape, region);
  CHECK(tiles.first == first);
  CHECK(tiles.rows == rows);
  CHECK(tiles.columns == columns);
  CHECK(tiles.row_stride == row_stride);
}

}  // namespace

TEST_CASE("a matrix smaller than a tile has one, wherever it lies") {
  check_tiles({18, 40}, {0, 18, 40, 40}, 0, 1, 1, 1);
  check_tiles({18, 40}, {0, 1, 720, 0}, 0, 1, 1, 1);
  check_tiles({5, 18, 40}, {2 * 720, 18, 40, 40}, 2, 1, 1, 1);
  check_tiles({1, 40}, {0, 1, 40, 40}, 0, 1, 1, 1);
  check_tiles({40, 1}, {0, 40, 1, 1}, 0, 1, 1, 1);
}

TEST_CASE("tiles begin anew in every matrix of a unit that holds several") {
  check_tiles({5, 18, 40}, {720, 3 * 18, 40, 40}, 1, 3, 1, 1);
  check_tiles({5, 18, 40}, {0, 1, 5 * 720, 0}, 0, 5, 1, 1);
  check_tiles({4, 130, 300}, {2 * 39000, 260, 300, 300}, 2 * 2 * 3, 4, 3, 3);
  check_tiles({2, 3, 130, 300}, {0, 1, 6 * 39000, 0}, 0, 12, 3, 3);
}

TEST_CASE("rows of tiles, and columns of them, lie inside their matrix's scales") {
  check_tiles({3, 400, 300}, {120000 + 128 * 300, 256, 300, 300}, 12 + 3, 2, 3, 3);
  check_tiles({3, 400, 300}, {120000 + 384 * 300, 16, 300, 300}, 12 + 9, 1, 3, 3);
  check_tiles({256, 1000}, {128 * 1000 + 256, 128, 256, 1000}, 8 + 2, 1, 2, 8);
  check_tiles({256, 1000}, {896, 128, 104, 1000}, 7, 1, 1, 8);
  check_tiles({1, 1000}, {256, 1, 256, 1000}, 2, 1, 2, 8);
}
