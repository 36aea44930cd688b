#include <limits>

#include "codecs/ggml/encode_iq_search.hpp"
#include "codecs/ggml/encode_iq_trial.hpp"

namespace plimsoll::codecs::ggml {
namespace {

/// The first of the nearest points.
template <class Search>
struct Nearest {
  const IqRun& run;

  IqPoint operator()(std::span<const IqPoint> near, std::size_t p, float scale) const {
    IqPoint best = near.front();
    float least = std::numeric_limits<float>::max();
    for (const IqPoint point : near) {
      float distance = 0.0f;
      for (std::size_t i = 0; i < Search::elements_of_point; ++i) {
        const std::size_t element = p * Search::elements_of_point + i;
        const float error = scale * iq_value<Search>(point, i) - run.magnitudes[element];
        distance += run.weight_roots[element] * error * error;
      }
      if (distance < least) {
        least = distance;
        best = point;
      }
    }
    return best;
  }
};

template <class Search>
void search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  const Nearest<Search> nearest = {run};
  auto chosen = iq_no_trial<Search>();
  float best = 0.0f;
  for (int i = -Search::tries; i <= Search::tries; ++i) {
    const float inverse =
        (iq_highest_value<Search>() + static_cast<float>(i) * Search::step) / reach;
    IqTrial<Search> trial;
    for (std::size_t p = 0; p < trial.count; ++p) {
      iq_code(grid, run, p, inverse, 1.0f / inverse, nearest, trial);
    }
    const IqSums sums = iq_sums_of(run, trial);
    if (sums.qq > 0.0f && sums.qx * sums.qx > best * sums.qq) {
      fit.scale = sums.qx / sums.qq;
      best = fit.scale * sums.qx;
      chosen = trial;
    }
  }
  iq_finish(grid, run, nearest, chosen, fit);
}

}  // namespace

void iq2_xxs_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search<Iq2XxsSearch>(grid, run, reach, fit);
}

void iq2_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search<Iq2Search>(grid, run, reach, fit);
}

void iq3_xxs_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search<Iq3XxsSearch>(grid, run, reach, fit);
}

void iq3_s_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search<Iq3SSearch>(grid, run, reach, fit);
}

}  // namespace plimsoll::codecs::ggml
