// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_ENCODE_BLOCK_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_ENCODE_BLOCK_LANES_INL_HPP
#undef PLIMSOLL_CODECS_GGML_ENCODE_BLOCK_LANES_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_ENCODE_BLOCK_LANES_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "codecs/ggml/encode_rounding.hpp"

// How the quantizers of blocks use vectors: a block, or sub-block, in every lane, so that a lane
// does what the scalar code does, in its order. Nothing here fuses or reorders sums.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::ScalableTag<std::int32_t>;
using Words = hn::ScalableTag<std::uint32_t>;
using FloatVector = hn::Vec<Floats>;
using FloatMask = hn::Mask<Floats>;
using IntVector = hn::Vec<Ints>;

constexpr std::size_t lanes = hn::MaxLanes(Floats());

HWY_INLINE FloatVector all(float value) {
  return hn::Set(Floats(), value);
}
HWY_INLINE FloatVector load(const float* from) {
  return hn::LoadU(Floats(), from);
}
HWY_INLINE void store(FloatVector v, float* to) {
  hn::StoreU(v, Floats(), to);
}

/// nearest_int() of encode_rounding.hpp, whatever the number.
HWY_INLINE IntVector nearest_of(FloatVector v) {
  const Ints d;
  const auto bits = hn::BitCast(d, hn::Add(v, all(integer_maker)));
  return hn::Sub(hn::And(bits, hn::Set(d, 0x7FFFFF)), hn::Set(d, 0x400000));
}

/// The same between two limits and as fp32, of numbers of magnitude below 2^22 only.
HWY_INLINE FloatVector limited_nearest(FloatVector v, FloatVector least_made,
                                       FloatVector largest_made) {
  const auto made = hn::Add(v, all(integer_maker));
  return hn::Sub(hn::Max(hn::Min(made, largest_made), least_made), all(integer_maker));
}

/// Lanes that are finite: infinity less itself is NaN.
HWY_INLINE FloatMask finite(FloatVector v) {
  return hn::Eq(hn::Sub(v, v), hn::Zero(Floats()));
}

/// The first element of the largest magnitude, in every lane.
template <std::size_t length>
HWY_INLINE FloatVector peaks_of(const float* elements) {
  auto peak = hn::Zero(Floats());
  for (std::size_t i = 0; i < length; ++i) {
    const auto x = load(elements + i * lanes);
    peak = hn::IfThenElse(hn::Gt(hn::Abs(x), hn::Abs(peak)), x, peak);
  }
  return peak;
}

/// Four floats in every 128 bits of the vector, those of each part `stride` floats after the last.
template <class D>
HWY_INLINE hn::Vec<D> load_parts(D d, const float* from, std::size_t stride) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    const std::size_t parts = hn::MaxLanes(half) / 4;
    return hn::Combine(d, load_parts(half, from + parts * stride, stride),
                       load_parts(half, from, stride));
  }
}

HWY_INLINE FloatVector interleave_pairs_lower(FloatVector a, FloatVector b) {
  const hn::Repartition<double, Floats> d;
  return hn::BitCast(Floats(), hn::InterleaveLower(d, hn::BitCast(d, a), hn::BitCast(d, b)));
}
HWY_INLINE FloatVector interleave_pairs_upper(FloatVector a, FloatVector b) {
  const hn::Repartition<double, Floats> d;
  return hn::BitCast(Floats(), hn::InterleaveUpper(d, hn::BitCast(d, a), hn::BitCast(d, b)));
}

/// Takes `lanes` runs of `length` floats, a multiple of 4, each `stride` after the last one's
/// start: writes `length` vectors, the run's number being the lane. Not in place.
HWY_INLINE void transpose(const float* runs, std::size_t stride, std::size_t length, float* to) {
  const Floats d;
  for (std::size_t i = 0; i < length; i += 4) {
    const float* from = runs + i;
    const auto a = load_parts(d, from, 4 * stride);
    const auto b = load_parts(d, from + stride, 4 * stride);
    const auto c = load_parts(d, from + 2 * stride, 4 * stride);
    const auto e = load_parts(d, from + 3 * stride, 4 * stride);
    const auto ab = hn::InterleaveLower(d, a, b);
    const auto ce = hn::InterleaveLower(d, c, e);
    const auto ab_upper = hn::InterleaveUpper(d, a, b);
    const auto ce_upper = hn::InterleaveUpper(d, c, e);
    store(interleave_pairs_lower(ab, ce), to + i * lanes);
    store(interleave_pairs_upper(ab, ce), to + (i + 1) * lanes);
    store(interleave_pairs_lower(ab_upper, ce_upper), to + (i + 2) * lanes);
    store(interleave_pairs_upper(ab_upper, ce_upper), to + (i + 3) * lanes);
  }
}

/// Writes a byte for every number: the nearest integer, from `least` to `largest`, less `least`.
HWY_INLINE void store_codes(FloatVector v, int least, int largest, std::uint8_t* to) {
  const Ints d;
  const auto code = hn::Max(hn::Min(nearest_of(v), hn::Set(d, largest)), hn::Set(d, least));
  const auto counted = hn::BitCast(Words(), hn::Sub(code, hn::Set(d, least)));
  hn::StoreU(hn::U8FromU32(counted), hn::Rebind<std::uint8_t, Words>(), to);
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
