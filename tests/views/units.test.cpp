#include "views/units.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "catch.hpp"
#include "random_chain.hpp"
#include "views/operations.hpp"
#include "views/source_ranges.hpp"

using namespace plimsoll;
using namespace plimsoll::views;
using namespace plimsoll::views::test;

namespace {

constexpr std::uint64_t mebi = 524288;  // 16-bit elements in 1 MiB

View source(std::uint32_t index, const io::Shape& shape) {
  return whole(index, shape).value();
}

View transposed_experts(std::uint64_t experts, std::uint64_t hidden, std::uint64_t inner) {
  return transpose(source(0, {experts, hidden, inner}), 1, 2).value();
}

View stack_of_transposed(std::uint32_t experts, std::uint64_t rows, std::uint64_t columns) {
  std::vector<View> parts;
  for (std::uint32_t i = 0; i < experts; ++i) {
    parts.push_back(transpose(source(i, {rows, columns}), 0, 1).value());
  }
  return stack(parts, 0).value();
}

View gates_and_ups(std::uint32_t experts, std::uint64_t inner, std::uint64_t hidden) {
  std::vector<View> gates, ups;
  for (std::uint32_t i = 0; i < experts; ++i) {
    gates.push_back(source(2 * i, {inner, hidden}));
    ups.push_back(source(2 * i + 1, {inner, hidden}));
  }
  return concatenate(std::vector{stack(gates, 0).value(), stack(ups, 0).value()}, 1).value();
}

/// Bytes that units read of 16-bit tensors stored one after the other, each read widened to whole
/// pages, over the bytes there are.
double amplification(const View& view, const Units& units, std::uint64_t page) {
  std::vector<SourcePlace> places;
  std::uint64_t stored = 0;
  for (const SourceRange& range : source_ranges(view, 0, view.elements())) {
    places.resize(range.source + 1);
    places[range.source] = {0, 1240 + 2 * stored, 1, 2};
    stored += range.first + range.count;
  }
  std::uint64_t read = 0;
  for (const Region& region : units.regions) {
    for (const FileRange& range : file_ranges(source_ranges(view, region), places)) {
      read += (range.offset + range.bytes + page - 1) / page * page - range.offset / page * page;
    }
  }
  return static_cast<double>(read) / static_cast<double>(2 * view.elements());
}

std::size_t most_ranges(const View& view, const Units& units) {
  std::size_t most = 0;
  for (const Region& region : units.regions) {
    most = std::max(most, source_ranges(view, region).size());
  }
  return most;
}

}  // namespace

TEST_CASE("units of model tensors read each byte once, in whole pages at most 1.02 of them") {
  struct Model {
    std::string name;
    View view;
    UnitRules rules;
    bool slabs;
    std::uint64_t largest;
    std::size_t ranges;  ///< most that any unit reads
  };
  const View square = source(0, {4096, 4096});
  const View uneven = source(0, {3584, 3584});
  const std::vector<Model> models{
      {"as stored", square, {mebi, 64}, false, mebi, 1},
      {"rotary", permute_for_rope(square, 32).value(), {mebi, 64}, false, mebi, 1},
      {"rotary, not a power of two",
       permute_for_rope(uneven, 28).value(),
       {mebi, 64},
       false,
       128 * 3584,
       1},
      {"rotary, block by block",
       permute_for_rope(square, 32).value(),
       {mebi, 1, 128, 128},
       false,
       mebi,
       1},
      {"merged gates and ups", gates_and_ups(16, 704, 2048), {mebi, 64}, false, mebi, 2},
      {"interleaved rows made halves",
       interleave(source(0, {4, 64, 2048}), 1).value(),
       {mebi, 64},
       false,
       mebi,
       1},
      {"transposed projection",
       transpose(source(0, {768, 2304}), 0, 1).value(),
       {mebi, 64},
       true,
       192 * 2304,
       1},
      {"transposed experts", transposed_experts(4, 2048, 1536), {mebi, 64}, true, 320 * 1536, 1},
      {"transposed experts in tiles",
       transposed_experts(4, 2048, 1536),
       {mebi, 1, 128, 128},
       true,
       256 * 1536,
       1},
      {"stack of transposed experts",
       stack_of_transposed(8, 2048, 768),
       {mebi, 64},
       true,
       640 * 768,
       1},
      {"transposed rows of many elements",
       transposed_experts(1, 640, 16384),
       {mebi, 64, 0, 0, 102400},
       true,
       64 * 16384,
       1},
      {"transposed vectors",
       transpose(source(0, {2048, 1536, 4}), 0, 1).value(),
       {mebi, 64, 0, 0, 102400},
       true,
       320 * 1536,
       1},
      {"transposed, then rotary",
       permute_for_rope(transpose(source(0, {2048, 2048}), 0, 1).value(), 16).value(),
       {mebi, 64},
       true,
       256 * 2048,
       1},
      {"rotary, then transposed",
       transpose(permute_for_rope(source(0, {2048, 2048}), 16).value(), 0, 1).value(),
       {mebi, 64},
       true,
       256 * 2048,
       1}};
  for (const Model& model : models) {
    INFO(model.name);
    const Units units = cut_units(model.view, model.rules).value();
    CHECK(units.slabs == model.slabs);
    CHECK(units.largest == model.largest);
    CHECK(amplification(model.view, units, 1) == 1.0);
    CHECK(amplification(model.view, units, 4096) <= 1.02);
    CHECK(most_ranges(model.view, units) == model.ranges);
  }
}

TEST_CASE("a transposing unit takes part of each source row where whole rows are too long") {
  const View view = transposed_experts(1, 512, 16384);
  const Units units = cut_units(view, {mebi, 64}).value();
  CHECK(units.regions.size() == 16);
  CHECK(units.regions[0] == Region{0, 8192, 64, 512});
  CHECK(units.regions[1] == Region{8192 * 512, 8192, 64, 512});
  CHECK(units.regions[2] == Region{64, 8192, 64, 512});
  CHECK(source_ranges(view, units.regions[0]).size() == 64);
  CHECK(source_ranges(view, units.regions[0])[1] == SourceRange{0, 16384, 8192});
}

TEST_CASE("a unit grows beyond its size to keep runs of the source long, and only so far") {
  const View view = transposed_experts(1, 4096, 8192);
  const Units units = cut_units(view, {mebi, 1024, 0, 0, 2048}).value();
  CHECK(units.largest == 1024 * 2048);
  CHECK(source_ranges(view, units.regions[0])[0].count == 2048);
  const Units small = cut_units(view, {mebi, 1024, 0, 0, 256}).value();
  CHECK(small.largest == mebi);
  CHECK(source_ranges(view, small.regions[0])[0].count == 512);
}

TEST_CASE("a quantizer by rows gets whole rows of a transposing view") {
  const View view = transposed_experts(2, 1024, 1536);
  for (const std::uint64_t run : {512u, 1024u}) {
    const Units units = cut_units(view, {mebi, 1024, 0, 0, run}).value();
    CHECK(units.slabs == (run > 512));
    CHECK(units.largest == run * 1024);
    for (const Region& region : units.regions) {
      CHECK(region.first % 1024 == 0);
      CHECK(region.columns % 1024 == 0);
      CHECK(source_ranges(view, region).size() == 1024);
    }
    CHECK(amplification(view, units, 1) == 1.0);
  }
}

TEST_CASE("blocks that lie across the rows of a transposing view take ranges of whole blocks") {
  const View view = transpose(source(0, {1000, 3000}), 0, 1).value();
  const Units units = cut_units(view, {65536, 64, 0, 0, 512}).value();
  CHECK_FALSE(units.slabs);
  CHECK(units.largest == 512000);
  CHECK(units.largest % 64 == 0);
  CHECK(amplification(view, units, 1) == 1.0);
}

TEST_CASE("a bias and other small tensors are one unit") {
  CHECK(cut_units(permute_for_rope(source(0, {4096}), 32).value(), {mebi, 64}).value().regions ==
        std::vector<Region>{{0, 1, 4096, 0}});
  CHECK(cut_units(transpose(source(0, {30, 7}), 0, 1).value(), {mebi, 64}).value().regions.size() ==
        1);
  CHECK(cut_units(transpose(source(0, {30, 7}), 0, 1).value(), {1, ~std::uint64_t{0}})
            .value()
            .regions == std::vector<Region>{{0, 1, 210, 0}});
  CHECK(cut_units(source(0, {}), {mebi, 64}).value().regions == std::vector<Region>{{0, 1, 1, 0}});
  CHECK(cut_units(source(0, {0, 5}), {mebi, 64}).value().regions.empty());
}

TEST_CASE("units of any chain are the result, whole blocks, and read nothing twice") {
  int slabs = 0;
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    const io::Shape& shape = chain.view.shape();
    std::mt19937 random(seed);
    UnitRules rules{random() % 64 + 1, random() % 8 + 1, 0, 0, random() % 16};
    const bool tiles = shape.size() >= 2 && random() % 3 == 0;
    if (tiles) {
      rules.tile_rows = random() % 4 + 1;
      rules.tile_columns = random() % 4 + 1;
    }
    INFO("at most " << rules.max_elements << " block " << rules.block << " tile " << rules.tile_rows
                    << " by " << rules.tile_columns << " run " << rules.min_run << " of "
                    << text_of(shape));
    const Units units = cut_units(chain.view, rules).value();
    slabs += units.slabs;
    std::vector<int> seen(chain.view.elements());
    std::uint64_t largest = 0;
    std::uint64_t read = 0;
    for (const Region& region : units.regions) {
      INFO("first " << region.first << " rows " << region.rows << " columns " << region.columns
                    << " stride " << region.row_stride);
      largest = std::max(largest, region.elements());
      for (std::uint64_t row = 0; row < region.rows; ++row) {
        const std::uint64_t begin = region.first + row * region.row_stride;
        for (std::uint64_t i = 0; i < region.columns; ++i) ++seen.at(begin + i);
        if (!tiles) {
          REQUIRE(begin % rules.block == 0);
          const std::uint64_t end = begin + region.columns;
          REQUIRE((end % rules.block == 0 || end == chain.view.elements()));
        }
      }
      if (tiles) {
        const std::uint64_t width = shape.back();
        const std::uint64_t height = shape[shape.size() - 2];
        const std::uint64_t row = region.first / width % height;
        const std::uint64_t end_row = row + region.rows;
        const std::uint64_t column = region.first % width;
        const std::uint64_t end_column = column + region.columns;
        REQUIRE(region.row_stride == width);
        REQUIRE(row % rules.tile_rows == 0);
        REQUIRE((end_row % height == 0 || (end_row < height && end_row % rules.tile_rows == 0)));
        REQUIRE(column % rules.tile_columns == 0);
        REQUIRE((end_column == width || end_column % rules.tile_columns == 0));
      }
      for (const SourceRange& range : source_ranges(chain.view, region)) {
        read += range.count;
      }
    }
    REQUIRE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
    REQUIRE(read == chain.view.elements());
    REQUIRE(largest == units.largest);
    if (tiles) {
      const auto [shorter, longer] = std::minmax(rules.tile_rows, rules.tile_columns);
      REQUIRE(largest <=
              std::max({4 * rules.max_elements, shorter * longer, rules.min_run * longer}));
    } else if (units.slabs) {
      REQUIRE(largest <= std::max({rules.max_elements, rules.block, rules.min_run * rules.block}));
    }
  }
  CHECK(slabs > 50);
}

TEST_CASE("the largest units of any chain are as large as any that is cut") {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    const View view = random_chain(seed).view;
    std::mt19937 random(seed);
    UnitRules rules{random() % 64 + 1, random() % 8 + 1, 0, 0, random() % 16};
    if (view.shape().size() >= 2 && random() % 2 == 0) {
      rules.tile_rows = random() % 4 + 1;
      rules.tile_columns = random() % 4 + 1;
    }
    const Units all = cut_units(view, rules).value();
    const Units largest = largest_units(view, rules).value();
    REQUIRE(largest.largest == all.largest);
    REQUIRE(largest.slabs == all.slabs);
    REQUIRE(largest.regions.size() <= all.regions.size());
    for (const Region& region : all.regions) {
      REQUIRE(std::any_of(largest.regions.begin(), largest.regions.end(), [&](const Region& one) {
        return one.rows >= region.rows && one.columns >= region.columns;
      }));
    }
  }
}

TEST_CASE("more units than were allowed are refused, however large the tensor claims to be") {
  const std::uint64_t huge = std::uint64_t{1} << 28;
  UnitRules ranges{mebi, 64};
  ranges.most_units = 1000;
  UnitRules tiles{mebi, 1, 128, 128};
  tiles.most_units = 1000;
  const std::vector<View> enormous{source(0, {huge, huge}),
                                   source(0, {1, huge * huge}),
                                   source(0, {huge * huge, 1}),
                                   transpose(source(0, {huge, huge}), 0, 1).value(),
                                   transposed_experts(huge, 4096, 4096),
                                   stack_of_transposed(200, 8192, 8192)};
  for (const View& view : enormous) {
    for (const UnitRules& rules : {ranges, tiles}) {
      INFO(text_of(view.shape()) << ", tiles of " << rules.tile_rows);
      const auto units = cut_units(view, rules);
      REQUIRE_FALSE(units);
      CHECK(units.error().code() == ErrorCode::invalid_argument);
      CHECK(units.error().reason().find("more than 1000 units") == 0);
    }
  }
  ranges.most_units = 16;
  CHECK(cut_units(source(0, {16, mebi}), ranges));
  CHECK_FALSE(cut_units(source(0, {17, mebi}), ranges));
}

TEST_CASE("rules that no unit can follow are refused") {
  const View view = source(0, {4, 4});
  for (const UnitRules& rules :
       {UnitRules{0, 1}, UnitRules{4, 0}, UnitRules{4, 1, 2, 0}, UnitRules{4, 1, 0, 2}}) {
    const auto units = cut_units(view, rules);
    REQUIRE_FALSE(units);
    CHECK(units.error().code() == ErrorCode::invalid_argument);
  }
  const auto units = cut_units(source(0, {16}), {4, 1, 2, 2});
  REQUIRE_FALSE(units);
  CHECK(units.error().reason() == "a tensor of shape [16] has no tiles of rows and columns");
}
