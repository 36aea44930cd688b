#include <limits>

#include "codecs/ggml/encode_iq_search.hpp"
#include "codecs/ggml/encode_rounding.hpp"

namespace plimsoll::codecs::ggml {
namespace {

template <class Search>
class ScalarSearch {
 public:
  ScalarSearch(const IqNeighbours& grid, const IqRun& run) : grid_(grid), run_(run) {}

  void find(float reach, IqFit& fit) const {
    Trial chosen;
    chosen.on_grid.fill(Search::recode == IqRecode::off_grid);
    float best = 0.0f;
    for (int i = -Search::tries; i <= Search::tries; ++i) {
      const float inverse =
          (static_cast<float>(highest_value) + static_cast<float>(i) * Search::step) / reach;
      Trial trial;
      for (std::size_t p = 0; p < point_count; ++p) code(p, inverse, 1.0f / inverse, trial);
      const Sums sums = sums_of(trial);
      if (sums.qq > 0.0f && sums.qx * sums.qx > best * sums.qq) {
        fit.scale = sums.qx / sums.qq;
        best = fit.scale * sums.qx;
        chosen = trial;
      }
    }
    if (fit.scale > 0.0f) recode(chosen, fit.scale);
    std::copy(chosen.points.begin(), chosen.points.end(), fit.points.begin());
  }

 private:
  static constexpr std::size_t elements_of_point = Search::elements_of_point;
  static constexpr std::size_t point_count = Search::elements / elements_of_point;
  using Levels = IqLevels<elements_of_point>;
  static constexpr int highest_value = 2 * Levels::highest + 1;

  struct Trial {
    std::array<IqPoint, point_count> points{};
    std::array<bool, point_count> on_grid{};
  };
  struct Sums {
    float qx = 0.0f;  // weighted: values times magnitudes
    float qq = 0.0f;  // weighted: values squared
  };

  static float value_of(IqPoint point, std::size_t element) {
    const unsigned level = point >> Levels::bits * element & ((1u << Levels::bits) - 1);
    return static_cast<float>(2 * level + 1);
  }

  /// Finds the point for the elements of `p`, given a scale and its inverse.
  void code(std::size_t p, float inverse, float scale, Trial& trial) const {
    std::uint32_t vector = 0;
    for (std::size_t i = 0; i < elements_of_point; ++i) {
      const float scaled = 0.5f * (inverse * run_.magnitudes[p * elements_of_point + i] - 1.0f);
      const std::int32_t level = nearest_int_within(scaled, 0, Levels::highest);
      vector |= static_cast<std::uint32_t>(level) << Levels::bits * i;
    }
    const auto point = static_cast<IqPoint>(vector);
    const std::int32_t entry = grid_.entry(Levels::rank_of(point));
    trial.on_grid[p] = IqNeighbours::on_grid(entry);
    trial.points[p] = trial.on_grid[p] ? point : nearest(grid_.near(entry), p, scale);
  }

  /// The first of the nearest points.
  [[nodiscard]] IqPoint nearest(std::span<const IqPoint> near, std::size_t p, float scale) const {
    IqPoint best = near.front();
    float least = std::numeric_limits<float>::max();
    for (const IqPoint point : near) {
      float distance = 0.0f;
      for (std::size_t i = 0; i < elements_of_point; ++i) {
        const std::size_t element = p * elements_of_point + i;
        const float error = scale * value_of(point, i) - run_.magnitudes[element];
        distance += run_.weight_roots[element] * error * error;
      }
      if (distance < least) {
        least = distance;
        best = point;
      }
    }
    return best;
  }

  [[nodiscard]] Sums sums_of(const Trial& trial) const {
    Sums sums;
    for (std::size_t i = 0; i < Search::elements; ++i) {
      const float value = value_of(trial.points[i / elements_of_point], i % elements_of_point);
      sums.qx += run_.weights[i] * run_.magnitudes[i] * value;
      sums.qq += run_.weights[i] * value * value;
    }
    return sums;
  }

  void recode(Trial& chosen, float& scale) const {
    const std::array<bool, point_count> on_grid = chosen.on_grid;
    const bool any_off = std::ranges::find(on_grid, false) != on_grid.end();
    if (Search::recode != IqRecode::all && !any_off) return;
    for (std::size_t p = 0; p < point_count; ++p) {
      if (Search::recode == IqRecode::off_grid && on_grid[p]) continue;
      code(p, 1.0f / scale, scale, chosen);
    }
    const Sums sums = sums_of(chosen);
    if (sums.qq > 0.0f) scale = sums.qx / sums.qq;
  }

  const IqNeighbours& grid_;
  const IqRun& run_;
};

}  // namespace

void iq2_xxs_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  ScalarSearch<Iq2XxsSearch>(grid, run).find(reach, fit);
}

void iq2_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  ScalarSearch<Iq2Search>(grid, run).find(reach, fit);
}

void iq3_xxs_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  ScalarSearch<Iq3XxsSearch>(grid, run).find(reach, fit);
}

void iq3_s_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  ScalarSearch<Iq3SSearch>(grid, run).find(reach, fit);
}

}  // namespace plimsoll::codecs::ggml
