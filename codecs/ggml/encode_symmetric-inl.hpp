// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_ENCODE_SYMMETRIC_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_ENCODE_SYMMETRIC_INL_HPP
#undef PLIMSOLL_CODECS_GGML_ENCODE_SYMMETRIC_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_ENCODE_SYMMETRIC_INL_HPP
#endif

#include "codecs/ggml/encode_block_lanes-inl.hpp"
#include "codecs/ggml/encode_search.hpp"

// Rounding goes by fp32 alone here, which is exact as long as numbers stay below 2^22. A lane in
// which one does not, or that holds numbers that are not finite, is marked as wild, and what it
// found means nothing.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

/// What symmetric searches find, in the order of the sub-blocks.
struct SymmetricFound {
  float* scale;
  float* inverse;  ///< codes are the nearest integers to inverse * element; 0 where all codes are 0
  float* wild;     ///< not 0 in wild lanes
};

/// The work of search_symmetric_lanes().
template <std::size_t length>
class SymmetricLanes {
 public:
  SymmetricLanes(int half, const float* elements, const float* weights)
      : half_(static_cast<float>(half)), elements_(elements), weights_(weights) {}

  HWY_INLINE void search(const SymmetricFound& found) {
    const Floats d;
    const auto zero = hn::Zero(d);
    for (std::size_t i = 0; i < length; ++i) {
      store(hn::Mul(load(weights_ + i * lanes), load(elements_ + i * lanes)),
            products_ + i * lanes);
    }
    const auto peak = peaks_of<length>(elements_);
    const auto zeros = hn::Lt(hn::Abs(peak), all(least_peak));
    inverse_ = hn::Div(all(-half_), peak);
    FloatVector only[1] = {inverse_};
    Sums first[1];
    project(only, first);
    const auto tame = hn::And(finite(first[0].xl), hn::Lt(hn::Abs(peak), all(0x1p100f)));
    scale_ = hn::IfThenZeroElse(hn::Eq(first[0].ll, zero), hn::Div(first[0].xl, first[0].ll));
    best_ = hn::Mul(scale_, first[0].xl);
    for (const int k : {-9, -6, -3, 1, 4, 7}) try_three(peak, k);
    store(hn::IfThenZeroElse(zeros, scale_), found.scale);
    store(hn::IfThenZeroElse(zeros, inverse_), found.inverse);
    store(hn::IfThenElse(hn::Or(tame, zeros), zero, all(1.0f)), found.wild);
  }

 private:
  struct Sums {
    FloatVector xl = hn::Zero(Floats());
    FloatVector ll = hn::Zero(Floats());

    HWY_INLINE Sums() {}
  };

  /// Adds to `sums` what the inverse scales make of the elements.
  template <std::size_t count>
  HWY_INLINE void project(const FloatVector (&inverse)[count], Sums (&sums)[count]) const {
    const auto floor = all(integer_maker - half_);
    const auto ceiling = all(integer_maker + half_ - 1);
    for (std::size_t i = 0; i < length; ++i) {
      const auto x = load(elements_ + i * lanes);
      for (std::size_t k = 0; k < count; ++k) {
        const auto code = limited_nearest(hn::Mul(inverse[k], x), floor, ceiling);
        sums[k].xl = hn::Add(sums[k].xl, hn::Mul(load(products_ + i * lanes), code));
        const auto weighted = hn::Mul(load(weights_ + i * lanes), code);
        sums[k].ll = hn::Add(sums[k].ll, hn::Mul(weighted, code));
      }
    }
  }

  /// Tries the candidates k, k + 1 and k + 2, in this order.
  HWY_INLINE void try_three(FloatVector peak, int k) {
    FloatVector inverse[3];
    for (int i = 0; i < 3; ++i) {
      inverse[i] = hn::Div(all(-(half_ + 0.1f * static_cast<float>(k + i))), peak);
    }
    Sums sums[3];
    project(inverse, sums);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto better =
          hn::And(hn::Gt(sums[i].ll, hn::Zero(Floats())),
                  hn::Gt(hn::Mul(sums[i].xl, sums[i].xl), hn::Mul(best_, sums[i].ll)));
      const auto scale = hn::Div(sums[i].xl, sums[i].ll);
      scale_ = hn::IfThenElse(better, scale, scale_);
      best_ = hn::IfThenElse(better, hn::Mul(scale, sums[i].xl), best_);
      inverse_ = hn::IfThenElse(better, inverse[i], inverse_);
    }
  }

  float half_;
  const float* elements_;
  const float* weights_;
  FloatVector scale_, inverse_, best_;
  alignas(64) float products_[length * lanes];
};

/// search_symmetric() for `lanes` sub-blocks, one a lane: `length` vectors of elements, as many of
/// weights. One function for all types, as it is large.
template <std::size_t length>
HWY_NOINLINE void search_symmetric_lanes(int half, const float* elements, const float* weights,
                                         const SymmetricFound& found) {
  SymmetricLanes<length>(half, elements, weights).search(found);
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
