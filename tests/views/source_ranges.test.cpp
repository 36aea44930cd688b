#include "views/source_ranges.hpp"

#include "catch.hpp"
#include "views/operations.hpp"

using namespace plimsoll::views;

TEST_CASE("a head of a rotary projection is one range of the source, half a head every other row") {
  const View view = permute_for_rope(whole(0, {8, 10}).value(), 2).value();
  CHECK(source_ranges(view, 0, 40) == std::vector<SourceRange>{{0, 0, 40}});
  CHECK(source_ranges(view, 0, 20) == std::vector<SourceRange>{{0, 0, 10}, {0, 20, 10}});
  CHECK(source_ranges(view, 5, 5).empty());
}

TEST_CASE("ranges are read in file order, as whole blocks, and joined where they touch") {
  // Two tensors of one file in the reverse order, one of another.
  const SourcePlace places[] = {{0, 1000, 32, 18}, {0, 100, 1, 2}, {1, 50, 1, 4}};
  const std::vector<SourceRange> ranges{{0, 31, 2}, {0, 100, 1}, {1, 0, 4}, {1, 4, 446}, {2, 3, 1}};
  CHECK(file_ranges(ranges, places) ==
        std::vector<FileRange>{{0, 100, 936}, {0, 1054, 18}, {1, 62, 4}});
  CHECK(file_ranges(ranges, places, 18) == std::vector<FileRange>{{0, 100, 972}, {1, 62, 4}});
}

TEST_CASE("ranges of blocks that overlap are read once") {
  const SourcePlace place{0, 0, 32, 18};
  const std::vector<SourceRange> ranges{{0, 0, 8}, {0, 16, 8}, {0, 40, 30}};
  CHECK(file_ranges(ranges, {&place, 1}) == std::vector<FileRange>{{0, 0, 54}});
}

TEST_CASE("a copy of columns keeps one set of strides when their runs are read side by side") {
  const View view = slice(whole(0, {6, 10}).value(), 1, 2, 5).value();
  const auto ranges = source_ranges(view, 0, 18);
  REQUIRE(ranges.size() == 6);
  std::vector<std::uint64_t> landed;
  for (std::uint64_t i = 0; i < 6; ++i) landed.push_back(4 * i);
  std::vector<StridedBox> copies;
  for_each_copy(view, 0, 18,
                [&](const StridedBox& copy) { append_landed(copy, ranges, landed, copies); });
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].source_offset == 0);
  CHECK(copies[0].axes[0] == Axis{6, 3, 4});
  CHECK(copies[0].axes[1] == Axis{3, 1, 1});
}
