// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_ENCODE_AFFINE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_ENCODE_AFFINE_INL_HPP
#undef PLIMSOLL_CODECS_GGML_ENCODE_AFFINE_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_ENCODE_AFFINE_INL_HPP
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

/// Sub-blocks are searched in two groups of `lanes` at once, as sums in one group wait for each
/// other.
constexpr std::size_t sides = 2;
constexpr std::size_t side_lanes = sides * lanes;

/// Two vectors or masks, not set at first.
template <class Vector>
struct Both {
  Vector items[sides];

  // Not std::array's, which is the compiler's own: GCC compiles that for no target and then cannot
  // inline those of Arm's vectors. Other structures of vectors have one for the same reason.
  HWY_INLINE Both() {}
  HWY_INLINE Vector& operator[](std::size_t side) { return items[side]; }
  HWY_INLINE const Vector& operator[](std::size_t side) const { return items[side]; }
};
using BothSides = Both<FloatVector>;
using BothMasks = Both<FloatMask>;

/// What affine searches find, in the order of the sub-blocks.
struct AffineFound {
  float* scale;
  float* drop;
  float* inverse;  ///< codes are the nearest integers to inverse * (element - origin)
  float* origin;
  float* sum_w;
  float* wild;  ///< not 0 in wild lanes
};

HWY_INLINE FloatVector difference(FloatVector scale, FloatVector code, FloatVector minimum,
                                  FloatVector x) {
  return hn::Sub(hn::Add(hn::Mul(scale, code), minimum), x);
}

/// The work of search_affine_lanes(). Codes are kept as elements are.
template <std::size_t length, bool absolute>
class AffineLanes {
 public:
  AffineLanes(const float* elements, const float* weights, float* codes)
      : elements_(elements), weights_(weights), codes_(codes) {}

  HWY_INLINE void search(const AffineSearch& search, const AffineFound& found);

 private:
  HWY_INLINE FloatVector element(std::size_t side, std::size_t i) const {
    return load(elements_ + (side * length + i) * lanes);
  }
  HWY_INLINE FloatVector weight(std::size_t side, std::size_t i) const {
    return load(weights_ + (side * length + i) * lanes);
  }
  HWY_INLINE float* code(std::size_t side, std::size_t i) {
    return codes_ + (side * length + i) * lanes;
  }

  HWY_INLINE void measure();
  HWY_INLINE void begin(float largest);
  HWY_INLINE void try_inverse(float wide, float largest);
  HWY_INLINE BothSides errors(const BothSides& scale, const BothSides& minimum);

  const float* elements_;
  const float* weights_;
  float* codes_;
  BothSides lowest_, highest_, sum_w_, sum_wx_;
  BothMasks flat_, tame_;
  BothSides scale_, minimum_, inverse_, origin_, error_;  // the best so far
};

template <std::size_t length, bool absolute>
HWY_INLINE void AffineLanes<length, absolute>::measure() {
  for (std::size_t s = 0; s < sides; ++s) {
    auto lowest = element(s, 0);
    auto highest = lowest;
    auto sum_w = weight(s, 0);
    auto sum_wx = hn::Mul(sum_w, lowest);
    for (std::size_t i = 1; i < length; ++i) {
      const auto x = element(s, i);
      const auto w = weight(s, i);
      lowest = hn::IfThenElse(hn::Lt(x, lowest), x, lowest);
      highest = hn::IfThenElse(hn::Gt(x, highest), x, highest);
      sum_w = hn::Add(sum_w, w);
      sum_wx = hn::Add(sum_wx, hn::Mul(w, x));
    }
    const auto zero = hn::Zero(Floats());
    lowest_[s] = lowest;
    highest_[s] = highest;
    sum_w_[s] = sum_w;
    sum_wx_[s] = sum_wx;
    minimum_[s] = hn::IfThenElse(hn::Gt(lowest, zero), zero, lowest);
    flat_[s] = hn::Le(highest, minimum_[s]);
    tame_[s] = finite(sum_wx);
  }
}

/// The error of codes_, if elements are about scale * code + minimum.
template <std::size_t length, bool absolute>
HWY_INLINE BothSides AffineLanes<length, absolute>::errors(const BothSides& scale,
                                                           const BothSides& minimum) {
  BothSides error;
  for (auto& its : error.items) its = hn::Zero(Floats());
  for (std::size_t i = 0; i < length; ++i) {
    for (std::size_t s = 0; s < sides; ++s) {
      const auto off = difference(scale[s], load(code(s, i)), minimum[s], element(s, i));
      const auto size = absolute ? hn::Abs(off) : hn::Mul(off, off);
      error[s] = hn::Add(error[s], hn::Mul(weight(s, i), size));
    }
  }
  return error;
}

/// The first coding, which stays where no candidate is better.
template <std::size_t length, bool absolute>
HWY_INLINE void AffineLanes<length, absolute>::begin(float largest) {
  const auto floor = all(integer_maker);
  const auto ceiling = all(integer_maker + largest);
  for (std::size_t s = 0; s < sides; ++s) {
    const auto range = hn::Sub(highest_[s], minimum_[s]);
    const auto ordinary = hn::And(hn::Gt(range, all(0x1p-100f)), hn::Lt(range, all(0x1p100f)));
    tame_[s] = hn::And(tame_[s], hn::Or(ordinary, flat_[s]));
    origin_[s] = minimum_[s];
    inverse_[s] = hn::Div(all(largest), range);
    scale_[s] = hn::Div(all(1.0f), inverse_[s]);
    for (std::size_t i = 0; i < length; ++i) {
      const auto above = hn::Mul(inverse_[s], hn::Sub(element(s, i), minimum_[s]));
      store(limited_nearest(above, floor, ceiling), code(s, i));
    }
  }
  error_ = errors(scale_, minimum_);
}

/// Tries the codes that inverse scales of `wide` over the range make.
template <std::size_t length, bool absolute>
HWY_INLINE void AffineLanes<length, absolute>::try_inverse(float wide, float largest) {
  const Floats d;
  const auto zero = hn::Zero(d);
  const auto floor = all(integer_maker);
  const auto ceiling = all(integer_maker + largest);
  BothSides inverse, sum_l, sum_ll, sum_lx;
  for (std::size_t s = 0; s < sides; ++s) {
    inverse[s] = hn::Div(all(wide), hn::Sub(highest_[s], minimum_[s]));
    sum_l[s] = sum_ll[s] = sum_lx[s] = zero;
  }
  const BothSides minimum = minimum_;
  for (std::size_t i = 0; i < length; ++i) {
    for (std::size_t s = 0; s < sides; ++s) {
      const auto x = element(s, i);
      const auto above = hn::Mul(inverse[s], hn::Sub(x, minimum[s]));
      const auto its_code = limited_nearest(above, floor, ceiling);
      store(its_code, code(s, i));
      const auto weighted = hn::Mul(weight(s, i), its_code);
      sum_l[s] = hn::Add(sum_l[s], weighted);
      sum_ll[s] = hn::Add(sum_ll[s], hn::Mul(weighted, its_code));
      sum_lx[s] = hn::Add(sum_lx[s], hn::Mul(weighted, x));
    }
  }
  BothSides its_scale, its_minimum;
  BothMasks possible;
  for (std::size_t s = 0; s < sides; ++s) {
    const auto determinant = hn::Sub(hn::Mul(sum_w_[s], sum_ll[s]), hn::Mul(sum_l[s], sum_l[s]));
    const auto best_scale =
        hn::Div(hn::Sub(hn::Mul(sum_w_[s], sum_lx[s]), hn::Mul(sum_wx_[s], sum_l[s])), determinant);
    const auto best_minimum =
        hn::Div(hn::Sub(hn::Mul(sum_ll[s], sum_wx_[s]), hn::Mul(sum_l[s], sum_lx[s])), determinant);
    const auto positive = hn::Gt(best_minimum, zero);
    its_minimum[s] = hn::IfThenElse(positive, zero, best_minimum);
    its_scale[s] = hn::IfThenElse(positive, hn::Div(sum_lx[s], sum_ll[s]), best_scale);
    possible[s] = hn::Gt(determinant, zero);
  }
  const BothSides error = errors(its_scale, its_minimum);
  for (std::size_t s = 0; s < sides; ++s) {
    // The lowest element is farthest below an origin that has moved up.
    const auto farthest = hn::Abs(hn::Mul(inverse[s], hn::Sub(lowest_[s], minimum[s])));
    tame_[s] = hn::And(tame_[s], hn::Or(hn::Lt(farthest, all(0x1p21f)), flat_[s]));
    const auto better = hn::And(possible[s], hn::Lt(error[s], error_[s]));
    error_[s] = hn::IfThenElse(better, error[s], error_[s]);
    inverse_[s] = hn::IfThenElse(better, inverse[s], inverse_[s]);
    origin_[s] = hn::IfThenElse(better, minimum[s], origin_[s]);
    scale_[s] = hn::IfThenElse(better, its_scale[s], scale_[s]);
    minimum_[s] = hn::IfThenElse(better, its_minimum[s], minimum_[s]);
  }
}

template <std::size_t length, bool absolute>
HWY_INLINE void AffineLanes<length, absolute>::search(const AffineSearch& search,
                                                      const AffineFound& found) {
  const Floats d;
  const auto largest = static_cast<float>(search.largest);
  measure();
  const BothSides flat_minimum = minimum_;
  begin(largest);
  for (int k = 0; k <= search.last; ++k) {
    try_inverse(search.first + search.step * static_cast<float>(k) + largest, largest);
  }
  for (std::size_t s = 0; s < sides; ++s) {
    const auto zero = hn::Zero(d);
    const auto minimum = hn::IfThenElse(flat_[s], flat_minimum[s], minimum_[s]);
    store(hn::IfThenElse(flat_[s], zero, scale_[s]), found.scale + s * lanes);
    store(hn::Neg(minimum), found.drop + s * lanes);
    store(hn::IfThenElse(flat_[s], zero, inverse_[s]), found.inverse + s * lanes);
    store(hn::IfThenElse(flat_[s], zero, origin_[s]), found.origin + s * lanes);
    store(sum_w_[s], found.sum_w + s * lanes);
    store(hn::IfThenElse(tame_[s], zero, all(1.0f)), found.wild + s * lanes);
  }
}

/// search_affine() for `side_lanes` sub-blocks, one a lane: elements of a side are `length`
/// vectors, one side after the other; so are weights. One function for all types, as it is large.
template <std::size_t length, bool absolute>
HWY_NOINLINE void search_affine_lanes(const AffineSearch& search, const float* elements,
                                      const float* weights, const AffineFound& found) {
  alignas(64) float codes[length * side_lanes];
  AffineLanes<length, absolute>(elements, weights, codes).search(search, found);
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
