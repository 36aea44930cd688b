#include "codecs/ggml/iq_grids.hpp"

#include <algorithm>

#include "catch.hpp"

using namespace plimsoll::codecs::ggml;

namespace {

template <class Grid, class Allowed>
bool points_are_made_of(const Grid& grid, const Allowed& allowed) {
  return std::ranges::all_of(grid, [&](auto point) {
    for (std::size_t i = 0; i < sizeof point; ++i) {
      const auto value = static_cast<std::int8_t>(point >> 8 * i);
      if (std::ranges::find(allowed, value) == std::end(allowed)) return false;
    }
    return true;
  });
}

template <class Grid>
bool points_differ(Grid grid) {
  std::ranges::sort(grid);
  return std::ranges::adjacent_find(grid) == grid.end();
}

}  // namespace

TEST_CASE("the points of a grid differ and are made of its values") {
  const auto check = [](const auto& grid, std::initializer_list<int> allowed) {
    CHECK(points_differ(grid));
    CHECK(points_are_made_of(grid, allowed));
  };
  check(iq2_xxs_grid, {8, 25, 43});
  check(iq2_xs_grid, {8, 25, 43});
  check(iq2_s_grid, {8, 25, 43});
  check(iq3_xxs_grid, {4, 12, 20, 28, 36, 44, 52, 62});
  check(iq3_s_grid, {1, 3, 5, 7, 9, 11, 13, 15});
  check(iq1_grid, {-1, 0, 1});
}

TEST_CASE("the first elements of a point are in its least significant byte") {
  CHECK(iq2_xxs_grid[0] == 0x0808080808080808u);
  CHECK(iq2_xxs_grid[1] == 0x080808080808082Bu);
  CHECK(iq1_grid[1] == 0xFFFFFFFFFFFFFF01u);
}

TEST_CASE("an even number of the signs that a code stands for is set") {
  for (unsigned code = 0; code < 128; ++code) {
    const std::uint8_t signs = iq_signs(static_cast<std::uint8_t>(code));
    CHECK((signs & 0x7Fu) == code);
    CHECK(std::popcount(signs) % 2 == 0);
  }
}
