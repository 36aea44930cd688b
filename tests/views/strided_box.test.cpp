#include "views/strided_box.hpp"

#include <vector>

#include "catch.hpp"
#include "dense_tensor.hpp"
#include "views/operations.hpp"

using namespace plimsoll::views;

namespace {

StridedBox box_at(std::uint64_t result, std::uint64_t source, const std::vector<Axis>& axes) {
  StridedBox box;
  box.result_offset = result;
  box.source_offset = source;
  for (const Axis& axis : axes) box.axes[box.axis_count++] = axis;
  return box;
}

std::vector<Axis> joined(StridedBox box, const StridedBox& next) {
  if (!join(box, next)) return {};
  return {box.used().begin(), box.used().end()};
}

}  // namespace

TEST_CASE("boxes that continue each other along an axis, old or new, become one") {
  const std::vector<Axis> rows{{4, 10, 20}, {3, 1, 1}};
  CHECK(joined(box_at(0, 0, rows), box_at(40, 80, rows)) ==
        std::vector<Axis>{{8, 10, 20}, {3, 1, 1}});
  CHECK(joined(box_at(0, 0, rows), box_at(3, 3, {{4, 10, 20}, {2, 1, 1}})) ==
        std::vector<Axis>{{4, 10, 20}, {5, 1, 1}});
  CHECK(joined(box_at(0, 0, rows), box_at(40, 80, {{3, 1, 1}})) ==
        std::vector<Axis>{{5, 10, 20}, {3, 1, 1}});
  CHECK(joined(box_at(0, 0, {{3, 1, 1}}), box_at(10, 20, rows)) ==
        std::vector<Axis>{{5, 10, 20}, {3, 1, 1}});
  CHECK(joined(box_at(0, 0, rows), box_at(5, 7, rows)) ==
        std::vector<Axis>{{4, 10, 20}, {2, 5, 7}, {3, 1, 1}});
  CHECK(joined(box_at(0, 0, {}), box_at(1, 9, {})) == std::vector<Axis>{{2, 1, 9}});
}

TEST_CASE("boxes that do not continue each other, or would not be nested, stay apart") {
  const std::vector<Axis> rows{{4, 10, 20}, {3, 1, 1}};
  CHECK(joined(box_at(0, 0, rows), box_at(40, 81, {{2, 10, 20}, {3, 1, 1}})).empty());
  CHECK(joined(box_at(0, 0, rows), box_at(40, 80, {{2, 10, 20}, {2, 1, 1}})).empty());
  CHECK(joined(box_at(0, 0, rows), box_at(40, 80, {{3, 1, 2}})).empty());
  CHECK(joined(box_at(0, 80, rows), box_at(40, 0, rows)).empty());
  CHECK(joined(box_at(0, 0, {{3, 2, 1}}), box_at(3, 9, {{3, 2, 1}})).empty());
  CHECK(
      joined(box_at(0, 0, {{2, 4, 1}, {2, 1, 9}}), box_at(3, 90, {{2, 4, 1}, {2, 1, 9}})).empty());
  StridedBox other = box_at(40, 80, rows);
  other.source = 1;
  CHECK(joined(box_at(0, 0, rows), other).empty());
}

TEST_CASE("boxes that would be one across the edge of a dimension stay apart") {
  // Every other element of two rows of five: in the second row they are the odd ones.
  std::vector<StridedBox> boxes{box_at(0, 0, {{3, 2, 1}}), box_at(6, 3, {{2, 2, 1}})};
  for (const std::uint64_t place : {1u, 3u, 5u, 7u, 9u}) {
    boxes.push_back(box_at(place, place, {}));
    boxes.back().source = 1;
  }
  const View view = View::of({2, 5}, boxes).value();
  const auto columns = transpose(view, 0, 1);
  REQUIRE(columns);
  const std::uint64_t one = std::uint64_t{1} << 32;
  CHECK(test::dense_of(*columns).values ==
        std::vector<std::uint64_t>{0, one | 5, one | 1, 3, 1, one | 7, one | 3, 4, 2, one | 9});
}
