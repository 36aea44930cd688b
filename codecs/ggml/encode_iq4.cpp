#include "codecs/ggml/encode_iq4.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_iq_runs.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/encode_iq4.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_lanes-inl.hpp"

// How it works. Every lane searches the scale of a run of its own, in the order of the scalar code.
//
// From one trial to the next an element's scaled magnitude shrinks a little, from 134/127 to
// 120/127 of what would bring the largest element to the first value. Two neighbouring thresholds
// are further apart than that, so that at most one lies in an element's way: the element has one of
// two values in all trials, and a comparison with one threshold tells which. The values are found
// once, at the lower end of the way.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void iq4_nl_blocks(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) {
  encode_iq4_nl_scalar(elements, importance, blocks, to);
}
void iq4_xs_blocks(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) {
  encode_iq4_xs_scalar(elements, importance, blocks, to);
}

#else

/// A number for each element of a run, of as many runs as there are lanes.
using Transposed = std::array<float, iq4_run * lanes>;

FloatVector at(const Transposed& numbers, std::size_t element) {
  return hn::Load(Floats(), numbers.data() + element * lanes);
}

/// Takes `runs` runs that follow each other; those that are missing repeat the last.
void transpose(const float* from, std::size_t runs, Transposed& to) {
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const float* run = from + std::min(lane, runs - 1) * iq4_run;
    for (std::size_t i = 0; i < iq4_run; ++i) to[i * lanes + lane] = run[i];
  }
}

float threshold_of(std::size_t i) {
  return i < iq4_thresholds.size() ? iq4_thresholds[i] : std::numeric_limits<float>::infinity();
}

float value_of(std::size_t code) {
  return iq4_values[code];
}

struct Sums {
  FloatVector qx = hn::Zero(Floats());  // weighted: values times elements
  FloatVector qq = hn::Zero(Floats());  // weighted: values squared

  HWY_INLINE Sums() {}
  HWY_INLINE void add(FloatVector weight, FloatVector value, FloatVector element) {
    const auto weighted = hn::Mul(weight, value);
    qx = hn::Add(qx, hn::Mul(weighted, element));
    qq = hn::Add(qq, hn::Mul(weighted, value));
  }
};

/// Finds the scales of a run a lane.
class ScaleSearch {
 public:
  ScaleSearch(const float* elements, const float* importance, std::size_t runs) {
    transpose(elements, runs, elements_);
    if (importance != nullptr) transpose(importance, runs, weights_);
  }

  /// Twice the mean square of every run.
  [[nodiscard]] FloatVector spread() const {
    const Floats d;
    auto sum = hn::Zero(d);
    for (std::size_t i = 0; i < iq4_run; ++i) {
      sum = hn::Add(sum, hn::Mul(at(elements_, i), at(elements_, i)));
    }
    return hn::Mul(sum, hn::Set(d, 2.0f / static_cast<float>(iq4_run)));
  }

  [[nodiscard]] FloatVector find(bool with_importance, FloatVector spread) {
    const Floats d;
    weigh(with_importance, spread);
    const auto extreme = extremes();
    find_values(extreme);
    start(extreme);
    constexpr int batch = 5;
    static_assert((2 * iq4_tries + 1) % batch == 0);
    for (int i = -iq4_tries; i <= iq4_tries; i += batch) try_scales<batch>(extreme, i);
    const auto least = hn::Set(d, iq4_least_magnitude);
    return hn::IfThenZeroElse(hn::Lt(hn::Abs(extreme), least), scale_);
  }

 private:
  static FloatVector inverse_of_trial(FloatVector extreme, int i) {
    return hn::Div(hn::Set(Floats(), static_cast<float>(i + iq4_first_value)), extreme);
  }

  void weigh(bool with_importance, FloatVector spread) {
    const Floats d;
    for (std::size_t i = 0; i < iq4_run; ++i) {
      auto weight = hn::Mul(at(elements_, i), at(elements_, i));
      if (with_importance) weight = hn::Mul(at(weights_, i), hn::Sqrt(hn::Add(spread, weight)));
      hn::Store(weight, d, weights_.data() + i * lanes);
    }
  }

  /// The elements of the largest magnitude, the first of equals.
  [[nodiscard]] FloatVector extremes() const {
    auto extreme = hn::Zero(Floats());
    auto magnitude = extreme;
    for (std::size_t i = 0; i < iq4_run; ++i) {
      const auto element = at(elements_, i);
      const auto larger = hn::Gt(hn::Abs(element), magnitude);
      extreme = hn::IfThenElse(larger, element, extreme);
      magnitude = hn::IfThenElse(larger, hn::Abs(element), magnitude);
    }
    return extreme;
  }

  void find_values(FloatVector extreme) {
    const Floats d;
    const auto far = inverse_of_trial(extreme, -iq4_tries);
    const auto near = inverse_of_trial(extreme, iq4_tries);
    for (std::size_t i = 0; i < iq4_run; ++i) {
      const auto element = at(elements_, i);
      const auto low = hn::Min(hn::Mul(far, element), hn::Mul(near, element));
      auto value = hn::Set(d, value_of(0));
      auto next = hn::Set(d, threshold_of(0));
      for (std::size_t code = 0; code < 15; ++code) {
        const auto below = hn::Lt(low, hn::Set(d, threshold_of(code)));
        value = hn::IfThenElse(below, value, hn::Set(d, value_of(code + 1)));
        next = hn::IfThenElse(below, next, hn::Set(d, threshold_of(code + 1)));
      }
      hn::Store(value, d, lower_.data() + i * lanes);
      hn::Store(next, d, thresholds_.data() + i * lanes);
      // The threshold is exactly between the values.
      hn::Store(hn::Sub(hn::Add(next, next), value), d, higher_.data() + i * lanes);
    }
  }

  /// The scale for the largest element at the other end of the values.
  void start(FloatVector extreme) {
    const Floats d;
    const auto scale = hn::Div(hn::Neg(extreme), hn::Set(d, static_cast<float>(iq4_first_value)));
    const auto inverse = hn::Div(hn::Set(d, 1.0f), scale);
    Sums sums;
    for (std::size_t i = 0; i < iq4_run; ++i) {
      const auto scaled = hn::Mul(inverse, at(elements_, i));
      auto value = hn::Set(d, value_of(0));
      for (std::size_t code = 0; code < 15; ++code) {
        const auto below = hn::Lt(scaled, hn::Set(d, threshold_of(code)));
        value = hn::IfThenElse(below, value, hn::Set(d, value_of(code + 1)));
      }
      sums.add(at(weights_, i), value, at(elements_, i));
    }
    const auto good = hn::Gt(sums.qq, hn::Zero(d));
    scale_ = hn::IfThenElseZero(good, hn::Div(sums.qx, sums.qq));
    best_ = hn::Mul(scale_, sums.qx);
  }

  template <int batch>
  HWY_INLINE void try_scales(FloatVector extreme, int first) {
    FloatVector inverse[batch];
    Sums sums[batch];
    for (int i = 0; i < batch; ++i) inverse[i] = inverse_of_trial(extreme, first + i);
    for (std::size_t element = 0; element < iq4_run; ++element) {
      const auto x = at(elements_, element);
      const auto weight = at(weights_, element);
      const auto lower = at(lower_, element);
      const auto higher = at(higher_, element);
      const auto threshold = at(thresholds_, element);
      for (int i = 0; i < batch; ++i) {
        const auto below = hn::Lt(hn::Mul(inverse[i], x), threshold);
        sums[i].add(weight, hn::IfThenElse(below, lower, higher), x);
      }
    }
    for (const Sums& tried : sums) keep_better(tried);
  }

  HWY_INLINE void keep_better(const Sums& sums) {
    const auto better = hn::And(hn::Gt(sums.qq, hn::Zero(Floats())),
                                hn::Gt(hn::Mul(sums.qx, sums.qx), hn::Mul(best_, sums.qq)));
    const auto scale = hn::Div(sums.qx, sums.qq);
    scale_ = hn::IfThenElse(better, scale, scale_);
    best_ = hn::IfThenElse(better, hn::Mul(scale, sums.qx), best_);
  }

  alignas(64) Transposed elements_;
  alignas(64) Transposed weights_;  // importance at first
  // The two values that an element may have, and from where on it has the higher one.
  alignas(64) Transposed lower_;
  alignas(64) Transposed higher_;
  alignas(64) Transposed thresholds_;
  FloatVector scale_;
  FloatVector best_;
};

HWY_INLINE IntVector codes_of(FloatVector scaled) {
  auto codes = hn::Set(Ints(), 15);
  for (const float threshold : iq4_thresholds) {
    codes = hn::Add(codes, as_int(hn::Lt(scaled, hn::Set(Floats(), threshold))));
  }
  return codes;
}

/// The low nibbles are those of the first half.
HWY_INLINE void pack_codes(const float* elements, float inverse, std::byte* to) {
  const Floats d;
  const auto factor = hn::Set(d, inverse);
  for (std::size_t i = 0; i < iq4_run / 2; i += lanes) {
    const auto low = codes_of(hn::Mul(factor, hn::LoadU(d, elements + i)));
    const auto high = codes_of(hn::Mul(factor, hn::LoadU(d, elements + iq4_run / 2 + i)));
    store_bytes(hn::Or(low, hn::ShiftLeft<4>(high)), to + i);
  }
}

bool all_finite(const float* elements, const float* importance, std::size_t count) {
  return largest_bits(elements, count) < f32_infinity &&
         (importance == nullptr || largest_bits(importance, count) < f32_infinity);
}

void iq4_nl_blocks(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) {
  alignas(64) std::array<float, lanes> scales;
  for (std::size_t block = 0; block < blocks; ++block) {
    const float* from = elements + block * iq4_run;
    const float* weights = importance != nullptr ? importance + block * iq4_run : nullptr;
    std::byte* bytes = to + block * iq4_nl_bytes;
    if (block % lanes == 0) {
      ScaleSearch search(from, weights, std::min(lanes, blocks - block));
      hn::Store(search.find(weights != nullptr, search.spread()), Floats(), scales.data());
    }
    if (!all_finite(from, weights, iq4_run)) {
      encode_iq4_nl_scalar(from, weights, 1, bytes);
      continue;
    }
    store_f16(bytes, scales[block % lanes]);
    pack_codes(from, iq4_inverse_of(scales[block % lanes]), bytes + 2);
  }
}

void iq4_xs_block(const float* elements, const float* importance, std::byte* to) {
  const Floats d;
  constexpr float share = 2.0f / static_cast<float>(iq4_xs_elements);
  const auto spread = hn::Set(d, importance != nullptr ? iq_square_sum(elements) * share : 0.0f);
  std::array<float, iq4_xs_runs> found;
  for (std::size_t run = 0; run < iq4_xs_runs; run += lanes) {
    const float* weights = importance != nullptr ? importance + run * iq4_run : nullptr;
    ScaleSearch search(elements + run * iq4_run, weights, lanes);
    hn::StoreU(search.find(weights != nullptr, spread), d, found.data() + run);
  }
  const Iq4XsScales scales = iq4_xs_scales_of(found);
  iq4_xs_store_scales(scales, to);
  for (std::size_t run = 0; run < iq4_xs_runs; ++run) {
    const float scale = scales.scale * static_cast<float>(scales.multiples[run]);
    pack_codes(elements + run * iq4_run, iq4_inverse_of(scale), to + 8 + run * iq4_run / 2);
  }
}

void iq4_xs_blocks(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) {
  for (std::size_t block = 0; block < blocks; ++block) {
    const float* from = elements + block * iq4_xs_elements;
    const float* weights = importance != nullptr ? importance + block * iq4_xs_elements : nullptr;
    std::byte* bytes = to + block * iq4_xs_bytes;
    if (all_finite(from, weights, iq4_xs_elements)) {
      iq4_xs_block(from, weights, bytes);
    } else {
      encode_iq4_xs_scalar(from, weights, 1, bytes);
    }
  }
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes their addresses from elsewhere.
void encode_iq4_nl_blocks(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) {
  iq4_nl_blocks(elements, importance, blocks, to);
}
void encode_iq4_xs_blocks(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) {
  iq4_xs_blocks(elements, importance, blocks, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_iq4_nl_blocks);
HWY_EXPORT(encode_iq4_xs_blocks);

void encode_iq4_nl(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_iq4_nl_blocks)(elements, importance, blocks, to);
}

void encode_iq4_xs(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_iq4_xs_blocks)(elements, importance, blocks, to);
}

}  // namespace plimsoll::codecs::ggml
#endif
