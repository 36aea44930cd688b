#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/ggml/encode_iq_search.hpp"
#include "codecs/ggml/encode_rounding.hpp"

namespace plimsoll::codecs::ggml {

// What the scalar and the vector search do alike, with one scale.

/// The points of a run with some scale, and which of them its levels were already.
template <class Search>
struct IqTrial {
  static constexpr std::size_t count = Search::elements / Search::elements_of_point;
  std::array<IqPoint, count> points{};
  std::array<bool, count> on_grid{};
};

template <class Search>
[[nodiscard]] constexpr float iq_highest_value() {
  return static_cast<float>(2 * IqLevels<Search::elements_of_point>::highest + 1);
}

/// What level `element` of a point stands for.
template <class Search>
[[nodiscard]] float iq_value(IqPoint point, std::size_t element) {
  constexpr unsigned bits = IqLevels<Search::elements_of_point>::bits;
  return static_cast<float>(2 * (point >> bits * element & ((1u << bits) - 1)) + 1);
}

/// The levels next to the elements of point `p`, for the inverse of a scale.
template <class Search>
[[nodiscard]] IqPoint iq_vector_of(const IqRun& run, std::size_t p, float inverse) {
  using Levels = IqLevels<Search::elements_of_point>;
  std::uint32_t vector = 0;
  for (std::size_t i = 0; i < Search::elements_of_point; ++i) {
    const float magnitude = run.magnitudes[p * Search::elements_of_point + i];
    const std::int32_t level =
        nearest_int_within(0.5f * (inverse * magnitude - 1.0f), 0, Levels::highest);
    vector |= static_cast<std::uint32_t>(level) << Levels::bits * i;
  }
  return static_cast<IqPoint>(vector);
}

/// Finds point `p` of a trial. `nearest` chooses among near points, given those, `p` and the scale.
template <class Search, class Nearest>
void iq_code(const IqNeighbours& grid, const IqRun& run, std::size_t p, float inverse, float scale,
             const Nearest& nearest, IqTrial<Search>& trial) {
  const IqPoint vector = iq_vector_of<Search>(run, p, inverse);
  const std::int32_t entry = grid.entry(IqLevels<Search::elements_of_point>::rank_of(vector));
  trial.on_grid[p] = IqNeighbours::on_grid(entry);
  trial.points[p] = trial.on_grid[p] ? vector : nearest(grid.near(entry), p, scale);
}

struct IqSums {
  float qx = 0.0f;  ///< weighted: values times magnitudes
  float qq = 0.0f;  ///< weighted: values squared
};

template <class Search>
[[nodiscard]] IqSums iq_sums_of(const IqRun& run, const IqTrial<Search>& trial) {
  IqSums sums;
  for (std::size_t i = 0; i < Search::elements; ++i) {
    const float value = iq_value<Search>(trial.points[i / Search::elements_of_point],
                                         i % Search::elements_of_point);
    sums.qx += run.weights[i] * run.magnitudes[i] * value;
    sums.qq += run.weights[i] * value * value;
  }
  return sums;
}

/// The trial to start from: the one that stays if no other is any good.
template <class Search>
[[nodiscard]] IqTrial<Search> iq_no_trial() {
  IqTrial<Search> trial;
  trial.on_grid.fill(Search::recode == IqRecode::off_grid);
  return trial;
}

/// Ends a search: codes again what the type's search says, and finds the scale that is best then.
template <class Search, class Nearest>
void iq_finish(const IqNeighbours& grid, const IqRun& run, const Nearest& nearest,
               IqTrial<Search>& chosen, IqFit& fit) {
  const std::array<bool, IqTrial<Search>::count> on_grid = chosen.on_grid;
  const bool any_off = std::ranges::find(on_grid, false) != on_grid.end();
  if (fit.scale > 0.0f && (any_off || Search::recode == IqRecode::all)) {
    for (std::size_t p = 0; p < on_grid.size(); ++p) {
      if (Search::recode == IqRecode::off_grid && on_grid[p]) continue;
      iq_code(grid, run, p, 1.0f / fit.scale, fit.scale, nearest, chosen);
    }
    const IqSums sums = iq_sums_of(run, chosen);
    if (sums.qq > 0.0f) fit.scale = sums.qx / sums.qq;
  }
  std::copy(chosen.points.begin(), chosen.points.end(), fit.points.begin());
}

}  // namespace plimsoll::codecs::ggml
