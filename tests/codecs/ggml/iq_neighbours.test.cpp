#include "codecs/ggml/iq_neighbours.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "catch.hpp"

using plimsoll::codecs::ggml::IqNeighbours;
using plimsoll::codecs::ggml::IqPoint;

namespace {

struct Grid {
  const char* name;
  const IqNeighbours& neighbours;
  std::size_t points;
  std::size_t elements;
  unsigned base;
  unsigned level_bits;
  std::size_t distances;

  [[nodiscard]] std::size_t vectors() const {
    std::size_t count = 1;
    for (std::size_t i = 0; i < elements; ++i) count *= base;
    return count;
  }
  [[nodiscard]] IqPoint point_of(std::size_t rank) const {
    unsigned point = 0;
    for (std::size_t i = 0; i < elements; ++i, rank /= base) {
      point |= static_cast<unsigned>(rank % base) << level_bits * i;
    }
    return static_cast<IqPoint>(point);
  }
  [[nodiscard]] int distance(IqPoint left, IqPoint right) const {
    int sum = 0;
    for (std::size_t i = 0; i < elements; ++i) {
      const int mask = (1 << level_bits) - 1;
      const int apart = (left >> level_bits * i & mask) - (right >> level_bits * i & mask);
      sum += apart * apart;
    }
    return sum;
  }
};

std::vector<Grid> grids() {
  return {{"iq2_xxs", IqNeighbours::iq2_xxs(), 256, 8, 3, 2, 2},
          {"iq2_xs", IqNeighbours::iq2_xs(), 512, 8, 3, 2, 2},
          {"iq2_s", IqNeighbours::iq2_s(), 1024, 8, 3, 2, 1},
          {"iq1", IqNeighbours::iq1(), 2048, 8, 3, 2, 3},
          {"iq3_xxs", IqNeighbours::iq3_xxs(), 256, 4, 8, 3, 2},
          {"iq3_s", IqNeighbours::iq3_s(), 512, 4, 8, 3, 3}};
}

}  // namespace

TEST_CASE("every point of a grid is found by its vector, and no other vector is one") {
  for (const Grid& grid : grids()) {
    INFO(grid.name);
    std::set<std::int32_t> codes;
    for (std::size_t rank = 0; rank < grid.vectors(); ++rank) {
      const std::int32_t entry = grid.neighbours.entry(rank);
      if (!IqNeighbours::on_grid(entry)) continue;
      codes.insert(entry);
      REQUIRE(grid.neighbours.point(entry) == grid.point_of(rank));
    }
    CHECK(codes.size() == grid.points);
    CHECK(*codes.rbegin() + 1 == static_cast<std::int32_t>(grid.points));
  }
}

TEST_CASE("the points near a vector are all those at its least distances, in the order of codes") {
  for (const Grid& grid : grids()) {
    INFO(grid.name);
    for (std::size_t rank = 0; rank < grid.vectors(); rank += 37) {
      const std::int32_t entry = grid.neighbours.entry(rank);
      if (IqNeighbours::on_grid(entry)) continue;
      std::vector<std::pair<int, IqPoint>> by_distance;
      for (std::size_t code = 0; code < grid.points; ++code) {
        const IqPoint point = grid.neighbours.point(static_cast<std::int32_t>(code));
        by_distance.emplace_back(grid.distance(point, grid.point_of(rank)), point);
      }
      std::ranges::stable_sort(by_distance, {}, [](const auto& pair) { return pair.first; });
      std::set<int> seen;
      std::vector<IqPoint> expected;
      for (const auto& [distance, point] : by_distance) {
        seen.insert(distance);
        if (seen.size() > grid.distances) break;
        expected.push_back(point);
      }
      const auto near = grid.neighbours.near(entry);
      REQUIRE(std::vector<IqPoint>(near.begin(), near.end()) == expected);
    }
  }
}

TEST_CASE("what is read beyond the end of a list repeats its last point") {
  for (const Grid& grid : grids()) {
    INFO(grid.name);
    for (std::size_t rank = 0; rank < grid.vectors(); rank += 11) {
      const std::int32_t entry = grid.neighbours.entry(rank);
      if (IqNeighbours::on_grid(entry)) continue;
      const auto near = grid.neighbours.near(entry);
      for (std::size_t i = near.size(); i % IqNeighbours::padding != 0; ++i) {
        REQUIRE(near.data()[i] == near.back());
      }
    }
  }
}
