// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_ENCODE_DESCENT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_ENCODE_DESCENT_INL_HPP
#undef PLIMSOLL_CODECS_GGML_ENCODE_DESCENT_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_ENCODE_DESCENT_INL_HPP
#endif

#include <array>

#include "codecs/ggml/encode_block_lanes-inl.hpp"
#include "codecs/ggml/encode_search.hpp"

// Searches that change one code at a time. Quotients may be anything, so rounding goes by integers.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

/// Sums of products and of squares of codes, weighted.
struct ProjectionLanes {
  FloatVector xl;
  FloatVector ll;

  HWY_INLINE void add(FloatVector weight, FloatVector x, FloatVector code) {
    xl = hn::Add(xl, hn::Mul(hn::Mul(weight, x), code));
    ll = hn::Add(ll, hn::Mul(hn::Mul(weight, code), code));
  }
  HWY_INLINE void take(FloatVector weight, FloatVector x, FloatVector code) {
    xl = hn::Sub(xl, hn::Mul(hn::Mul(weight, x), code));
    ll = hn::Sub(ll, hn::Mul(hn::Mul(weight, code), code));
  }
  [[nodiscard]] HWY_INLINE FloatMask better_than(const ProjectionLanes& other) const {
    return hn::Gt(hn::Mul(hn::Mul(xl, xl), other.ll), hn::Mul(hn::Mul(other.xl, other.xl), ll));
  }
  HWY_INLINE void replace_where(FloatMask mask, const ProjectionLanes& other) {
    xl = hn::IfThenElse(mask, other.xl, xl);
    ll = hn::IfThenElse(mask, other.ll, ll);
  }
  [[nodiscard]] HWY_INLINE FloatVector scale() const {
    return hn::IfThenElseZero(hn::Gt(ll, hn::Zero(Floats())), hn::Div(xl, ll));
  }
};

constexpr int descent_rounds = 5;

/// The work of search_positive_lanes().
class PositiveLanes {
 public:
  PositiveLanes(std::size_t length, int largest, const float* elements, const float* weights,
                float* codes)
      : length_(length), largest_(largest), elements_(elements), weights_(weights), codes_(codes) {}

  HWY_INLINE FloatVector search() {
    auto peak = hn::Zero(Floats());
    for (std::size_t i = 0; i < length_; ++i) {
      const auto x = load(elements_ + i * lanes);
      peak = hn::IfThenElse(hn::Gt(peak, x), peak, x);
    }
    const auto inverse = best_inverse(peak);
    ProjectionLanes sums{hn::Zero(Floats()), hn::Zero(Floats())};
    for (std::size_t i = 0; i < length_; ++i) {
      const auto code = limited(hn::Mul(inverse, load(elements_ + i * lanes)));
      store(as_byte(code), codes_ + i * lanes);
      sums.add(load(weights_ + i * lanes), load(elements_ + i * lanes), as_floats(code));
    }
    for (int round = 0; round < descent_rounds; ++round) {
      if (!descend(sums)) break;
    }
    const auto zeros = hn::Lt(peak, all(least_peak));
    for (std::size_t i = 0; i < length_; ++i) {
      store(hn::IfThenZeroElse(zeros, load(codes_ + i * lanes)), codes_ + i * lanes);
    }
    return hn::IfThenZeroElse(zeros, sums.scale());
  }

 private:
  static HWY_INLINE FloatVector as_floats(IntVector v) { return hn::ConvertTo(Floats(), v); }
  static HWY_INLINE FloatVector as_byte(IntVector v) {
    return as_floats(hn::And(v, hn::Set(Ints(), 255)));
  }
  [[nodiscard]] HWY_INLINE IntVector limited(FloatVector v) const {
    return hn::Min(nearest_of(v), hn::Set(Ints(), largest_));
  }
  HWY_INLINE FloatVector error_of(std::size_t i, FloatVector scale, FloatVector code,
                                  FloatVector error) const {
    const auto off = hn::Sub(load(elements_ + i * lanes), hn::Mul(scale, code));
    return hn::Add(error, hn::Mul(hn::Mul(load(weights_ + i * lanes), off), off));
  }

  HWY_INLINE FloatVector best_inverse(FloatVector peak) const {
    auto best = hn::Div(all(static_cast<float>(largest_)), peak);
    const auto first_scale = hn::Div(all(1.0f), best);
    auto best_error = hn::Zero(Floats());
    for (std::size_t i = 0; i < length_; ++i) {
      const auto code = as_byte(nearest_of(hn::Mul(best, load(elements_ + i * lanes))));
      best_error = error_of(i, first_scale, code, best_error);
    }
    for (int k = -4; k <= 4; ++k) {
      if (k == 0) continue;
      const float wide = 0.1f * static_cast<float>(k) + static_cast<float>(largest_);
      const auto inverse = hn::Div(all(wide), peak);
      const auto scale = hn::Div(all(1.0f), inverse);
      auto error = hn::Zero(Floats());
      for (std::size_t i = 0; i < length_; ++i) {
        const auto code = as_floats(limited(hn::Mul(inverse, load(elements_ + i * lanes))));
        error = error_of(i, scale, code, error);
      }
      const auto better = hn::Lt(error, best_error);
      best_error = hn::IfThenElse(better, error, best_error);
      best = hn::IfThenElse(better, inverse, best);
    }
    return best;
  }

  /// One round over all numbers; false if no code changed.
  HWY_INLINE bool descend(ProjectionLanes& sums) {
    const auto zero = hn::Zero(Floats());
    auto any_change = hn::Lt(zero, zero);
    for (std::size_t i = 0; i < length_; ++i) {
      const auto x = load(elements_ + i * lanes);
      const auto w = load(weights_ + i * lanes);
      const auto code = load(codes_ + i * lanes);
      ProjectionLanes changed = sums;
      changed.take(w, x, code);
      auto change = hn::And(hn::Gt(changed.xl, zero), hn::Gt(changed.ll, zero));
      const auto new_code = limited(hn::Div(hn::Mul(x, changed.ll), changed.xl));
      change = hn::And(change, hn::Ne(as_floats(new_code), code));
      changed.add(w, x, as_floats(new_code));
      change = hn::And(change, changed.better_than(sums));
      store(hn::IfThenElse(change, as_byte(new_code), code), codes_ + i * lanes);
      sums.replace_where(change, changed);
      any_change = hn::Or(any_change, change);
    }
    return !hn::AllFalse(Floats(), any_change);
  }

  std::size_t length_;
  int largest_;
  const float* elements_;
  const float* weights_;
  float* codes_;
};

/// search_positive() for `length` numbers in every lane, whatever they are. Codes are written as
/// vectors of fp32.
HWY_NOINLINE void search_positive_lanes(std::size_t length, int largest, const float* elements,
                                        const float* weights, float* codes, float* scales) {
  store(PositiveLanes(length, largest, elements, weights, codes).search(), scales);
}

/// descend_symmetric() for sub-blocks of `length` elements, whatever they are. Codes are written as
/// fp32, with `half` added where not all are 0.
template <std::size_t length>
class DescentLanes {
 public:
  DescentLanes(int half, const float* elements, float* codes)
      : half_(half), elements_(elements), codes_(codes) {}

  /// Returns the scales.
  HWY_INLINE FloatVector search() {
    const auto peak = peaks_of<length>(elements_);
    const auto inverse = hn::Div(all(static_cast<float>(-half_)), peak);
    ProjectionLanes sums{hn::Zero(Floats()), hn::Zero(Floats())};
    for (std::size_t i = 0; i < length; ++i) {
      const auto x = load(elements_ + i * lanes);
      const auto w = hn::Mul(x, x);
      store(w, weights_ + i * lanes);
      store(hn::Mul(w, x), products_ + i * lanes);
      store(limited(hn::Mul(inverse, x)), codes_ + i * lanes);
      sums = with(sums, i, load(codes_ + i * lanes));
    }
    for (int round = 0; round < descent_rounds; ++round) {
      if (!descend(sums)) break;
    }
    const auto zeros = hn::Lt(hn::Abs(peak), all(least_peak));
    for (std::size_t i = 0; i < length; ++i) {
      const auto counted = hn::Add(load(codes_ + i * lanes), all(static_cast<float>(half_)));
      store(hn::IfThenZeroElse(zeros, counted), codes_ + i * lanes);
    }
    return hn::IfThenZeroElse(zeros, sums.scale());
  }

 private:
  [[nodiscard]] HWY_INLINE FloatVector limited(FloatVector v) const {
    const Ints d;
    const auto code = hn::Min(nearest_of(v), hn::Set(d, half_ - 1));
    return hn::ConvertTo(Floats(), hn::Max(code, hn::Set(d, -half_)));
  }
  [[nodiscard]] HWY_INLINE ProjectionLanes with(const ProjectionLanes& sums, std::size_t i,
                                                FloatVector code) const {
    const auto weighted = hn::Mul(load(weights_ + i * lanes), code);
    return {hn::Add(sums.xl, hn::Mul(load(products_ + i * lanes), code)),
            hn::Add(sums.ll, hn::Mul(weighted, code))};
  }
  [[nodiscard]] HWY_INLINE ProjectionLanes without(const ProjectionLanes& sums, std::size_t i,
                                                   FloatVector code) const {
    const auto weighted = hn::Mul(load(weights_ + i * lanes), code);
    return {hn::Sub(sums.xl, hn::Mul(load(products_ + i * lanes), code)),
            hn::Sub(sums.ll, hn::Mul(weighted, code))};
  }

  /// One round over all elements; false if no code changed. Few do, so that it pays to look: the
  /// next element need not wait for sums that stay as they are.
  HWY_INLINE bool descend(ProjectionLanes& sums) {
    const Floats d;
    const auto zero = hn::Zero(d);
    bool any_change = false;
    for (std::size_t i = 0; i < length; ++i) {
      const auto code = load(codes_ + i * lanes);
      const ProjectionLanes others = without(sums, i, code);
      const auto product = hn::Mul(load(elements_ + i * lanes), others.ll);
      const auto new_code = limited(hn::Div(product, others.xl));
      auto change = hn::And(hn::Gt(others.xl, zero), hn::Ne(new_code, code));
      if (hn::AllFalse(d, change)) continue;
      const ProjectionLanes changed = with(others, i, new_code);
      change = hn::And(change, hn::Gt(changed.ll, zero));
      change = hn::And(change, changed.better_than(sums));
      store(hn::IfThenElse(change, new_code, code), codes_ + i * lanes);
      sums.replace_where(change, changed);
      any_change = any_change || !hn::AllFalse(d, change);
    }
    return any_change;
  }

  int half_;
  const float* elements_;
  float* codes_;
  alignas(64) float weights_[length * lanes];
  alignas(64) float products_[length * lanes];
};

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
