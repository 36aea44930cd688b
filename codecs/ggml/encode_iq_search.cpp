#include "codecs/ggml/encode_iq_search.hpp"

#include "codecs/ggml/encode_iq_trial.hpp"
#include "codecs/ggml/encode_rounding.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/encode_iq_search.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_iq_levels-inl.hpp"

// How it works. Where the scalar code goes through the scales one by one, here a lane is a scale:
// the levels of all of them are found together, then, scale by scale, the points next to levels
// that are none, a near point a lane, and then the sums of all scales together. Every lane adds in
// the order of the scalar code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void search(Iq2XxsSearch, const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  iq2_xxs_search_scalar(grid, run, reach, fit);
}
void search(Iq2Search, const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  iq2_search_scalar(grid, run, reach, fit);
}
void search(Iq3XxsSearch, const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  iq3_xxs_search_scalar(grid, run, reach, fit);
}
void search(Iq3SSearch, const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  iq3_s_search_scalar(grid, run, reach, fit);
}

#else

template <class Search>
class LaneSearch {
 public:
  LaneSearch(const IqNeighbours& grid, const IqRun& run) : grid_(grid), run_(run) {}

  void find(float reach, IqFit& fit) {
    set_scales(reach);
    for (std::size_t p = 0; p < points; ++p) {
      rank_levels(p);
      for (std::size_t t = 0; t < trials; ++t) find_point(p, t);
      for (std::size_t t = trials; t < padded_trials; ++t) points_[p][t] = 0;
    }
    sum();
    auto chosen = choose(fit);
    const auto nearest = [this](std::span<const IqPoint> near, std::size_t p, float scale)
                             HWY_ATTR { return nearest_to(near, p, scale); };
    iq_finish(grid_, run_, nearest, chosen, fit);
  }

 private:
  static constexpr std::size_t elements_of_point = Search::elements_of_point;
  static constexpr std::size_t points = Search::elements / elements_of_point;
  static constexpr unsigned bits = IqLevels<elements_of_point>::bits;
  static constexpr std::size_t trials = 2 * Search::tries + 1;
  static constexpr std::size_t padded_trials = (trials + 7) / 8 * 8;
  static constexpr std::size_t vectors = padded_trials / lanes;
  template <class Number>
  using Trials = std::array<Number, padded_trials>;

  void set_scales(float reach) {
    const Floats d;
    for (std::size_t t = 0; t < padded_trials; ++t) {
      const int i = static_cast<int>(t) - Search::tries;
      inverses_[t] = iq_highest_value<Search>() + static_cast<float>(i) * Search::step;
    }
    for (std::size_t t = 0; t < padded_trials; t += lanes) {
      const auto inverse = hn::Div(hn::Load(d, &inverses_[t]), hn::Set(d, reach));
      hn::Store(inverse, d, &inverses_[t]);
      hn::Store(hn::Div(hn::Set(d, 1.0f), inverse), d, &scales_[t]);
    }
  }

  /// The ranks of the vectors of levels of point `p`, for every scale.
  HWY_INLINE void rank_levels(std::size_t p) {
    const Floats d;
    const Ints di;
    IntVector ranks[vectors];
    for (auto& rank : ranks) rank = hn::Zero(di);
    for (std::size_t i = 0; i < elements_of_point; ++i) {
      const auto magnitude = hn::Set(d, run_.magnitudes[p * elements_of_point + i]);
      for (std::size_t v = 0; v < vectors; ++v) {
        const auto scaled = hn::Mul(hn::Load(d, &inverses_[v * lanes]), magnitude);
        const auto level = hn::Mul(hn::Set(d, 0.5f), hn::Sub(scaled, hn::Set(d, 1.0f)));
        ranks[v] = hn::Add(ranks[v], digit_of(level, i));
      }
    }
    for (std::size_t v = 0; v < vectors; ++v) hn::Store(ranks[v], di, &ranks_[v * lanes]);
  }

  /// What the nearest level of element `i` of a point adds to the rank; see nearest_int() for the
  /// bits.
  static HWY_INLINE IntVector digit_of(FloatVector level, std::size_t i) {
    const Ints di;
    const auto sum = hn::Add(level, hn::Set(Floats(), integer_maker));
    const auto integer = hn::And(hn::BitCast(di, sum), hn::Set(di, 0x7FFFFF));
    if constexpr (elements_of_point == 8) {
      constexpr std::array<std::int32_t, 8> powers = {1, 3, 9, 27, 81, 243, 729, 2187};
      const auto power = hn::Set(di, powers[i]);
      const auto one = hn::VecFromMask(di, hn::Gt(integer, hn::Set(di, 0x400000)));
      const auto two = hn::VecFromMask(di, hn::Gt(integer, hn::Set(di, 0x400001)));
      return hn::Add(hn::And(one, power), hn::And(two, power));
    } else {
      const auto low = hn::Max(integer, hn::Set(di, 0x400000));
      const auto digit = hn::Sub(hn::Min(low, hn::Set(di, 0x400007)), hn::Set(di, 0x400000));
      return hn::ShiftLeftSame(digit, static_cast<int>(3 * i));
    }
  }

  HWY_INLINE void find_point(std::size_t p, std::size_t t) {
    const std::int32_t entry = grid_.entry(static_cast<std::size_t>(ranks_[t]));
    on_grid_[p][t] = IqNeighbours::on_grid(entry);
    points_[p][t] =
        on_grid_[p][t] ? grid_.point(entry) : nearest_to(grid_.near(entry), p, scales_[t]);
  }

  [[nodiscard]] HWY_INLINE IqPoint nearest_to(std::span<const IqPoint> near, std::size_t p,
                                              float scale) const {
    LevelTable<bits> scaled = values_;
    for (auto& part : scaled.part) part = hn::Mul(hn::Set(Floats(), scale), part);
    const std::size_t first = p * elements_of_point;
    return nearest_point(near, PointErrors<bits, elements_of_point>(
                                   &run_.magnitudes[first], &run_.weight_roots[first], scaled));
  }

  /// The sums of every trial: see iq_sums_of().
  void sum() {
    const Floats d;
    FloatVector qx[vectors];
    FloatVector qq[vectors];
    for (std::size_t v = 0; v < vectors; ++v) qx[v] = qq[v] = hn::Zero(d);
    for (std::size_t p = 0; p < points; ++p) {
      WordVector levels[vectors];
      for (std::size_t v = 0; v < vectors; ++v) levels[v] = load_points(&points_[p][v * lanes]);
      for (std::size_t i = 0; i < elements_of_point; ++i) {
        const std::size_t element = p * elements_of_point + i;
        const auto weight = hn::Set(d, run_.weights[element]);
        const auto weighted = hn::Mul(weight, hn::Set(d, run_.magnitudes[element]));
        LevelTable<bits> times_magnitude;
        LevelTable<bits> squared;
        for (std::size_t part = 0; part < values_.parts; ++part) {
          const auto value = values_.part[part];
          times_magnitude.part[part] = hn::Mul(weighted, value);
          squared.part[part] = hn::Mul(hn::Mul(weight, value), value);
        }
        for (std::size_t v = 0; v < vectors; ++v) {
          qx[v] = hn::Add(qx[v], times_magnitude.at(levels[v]));
          qq[v] = hn::Add(qq[v], squared.at(levels[v]));
          levels[v] = hn::ShiftRight<bits>(levels[v]);
        }
      }
    }
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::Store(qx[v], d, &qx_[v * lanes]);
      hn::Store(qq[v], d, &qq_[v * lanes]);
    }
  }

  [[nodiscard]] IqTrial<Search> choose(IqFit& fit) const {
    float best = 0.0f;
    std::size_t chosen = trials;
    for (std::size_t t = 0; t < trials; ++t) {
      if (qq_[t] > 0.0f && qx_[t] * qx_[t] > best * qq_[t]) {
        fit.scale = qx_[t] / qq_[t];
        best = fit.scale * qx_[t];
        chosen = t;
      }
    }
    auto trial = iq_no_trial<Search>();
    if (chosen == trials) return trial;
    for (std::size_t p = 0; p < points; ++p) {
      trial.points[p] = points_[p][chosen];
      trial.on_grid[p] = on_grid_[p][chosen];
    }
    return trial;
  }

  const IqNeighbours& grid_;
  const IqRun& run_;
  const LevelTable<bits> values_ =
      level_table<bits>([](std::size_t level) { return static_cast<float>(2 * level + 1); });
  alignas(64) Trials<float> inverses_;
  alignas(64) Trials<float> scales_;
  alignas(64) Trials<float> qx_;
  alignas(64) Trials<float> qq_;
  alignas(64) Trials<std::int32_t> ranks_;
  std::array<Trials<IqPoint>, points> points_;
  std::array<Trials<bool>, points> on_grid_;
};

template <class Search>
void search(Search, const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  LaneSearch<Search>(grid, run).find(reach, fit);
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes their addresses from elsewhere.
void iq2_xxs_search_lanes(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search(Iq2XxsSearch(), grid, run, reach, fit);
}
void iq2_search_lanes(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search(Iq2Search(), grid, run, reach, fit);
}
void iq3_xxs_search_lanes(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search(Iq3XxsSearch(), grid, run, reach, fit);
}
void iq3_s_search_lanes(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  search(Iq3SSearch(), grid, run, reach, fit);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(iq2_xxs_search_lanes);
HWY_EXPORT(iq2_search_lanes);
HWY_EXPORT(iq3_xxs_search_lanes);
HWY_EXPORT(iq3_s_search_lanes);

void iq2_xxs_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  HWY_DYNAMIC_DISPATCH(iq2_xxs_search_lanes)(grid, run, reach, fit);
}

void iq2_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  HWY_DYNAMIC_DISPATCH(iq2_search_lanes)(grid, run, reach, fit);
}

void iq3_xxs_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  HWY_DYNAMIC_DISPATCH(iq3_xxs_search_lanes)(grid, run, reach, fit);
}

void iq3_s_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit) {
  HWY_DYNAMIC_DISPATCH(iq3_s_search_lanes)(grid, run, reach, fit);
}

}  // namespace plimsoll::codecs::ggml
#endif
