// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_DESTINATIONS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_DESTINATIONS_INL_HPP
#undef PLIMSOLL_CODECS_GGML_DESTINATIONS_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_DESTINATIONS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "codecs/ggml/codes-inl.hpp"

// The dtypes that vector decoders write, as types: how fp32 numbers become elements. No NaN does:
// blocks whose scales are not finite are left to the scalar code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET <= HWY_AVX2

/// Sixteen fp32 numbers as their halves: lane i belongs to number i.
struct HalfPairs {
  HalfVector upper;
  HalfVector lower;
};

/// Of the numbers at even places and those at odd ones.
HWY_INLINE HalfPairs half_pairs(FloatVector even, FloatVector odd) {
  const Words d;
  const Halves halves;
  const auto e = hn::BitCast(d, even);
  const auto o = hn::BitCast(d, odd);
  return {hn::OddEven(hn::BitCast(halves, o), hn::BitCast(halves, hn::ShiftRight<16>(e))),
          hn::OddEven(hn::BitCast(halves, hn::ShiftLeft<16>(o)), hn::BitCast(halves, e))};
}

struct ToF32 {
  using Element = float;
  static HWY_INLINE void store(FloatVector values, Element* to) {
    hn::StoreU(values, Floats(), to);
  }
};

struct ToBf16 {
  using Element = std::uint16_t;
  /// Rounds to nearest even: the carry out of lower + 0x7FFF + (upper & 1) is the top bit of an
  /// average.
  static HWY_INLINE HalfVector narrow(FloatVector even, FloatVector odd) {
    const Halves d;
    const HalfPairs numbers = half_pairs(even, odd);
    const auto to_even = hn::And(numbers.upper, hn::Set(d, 1));
    const auto average = hn::AverageRound(numbers.lower, hn::Or(to_even, hn::Set(d, 0x7FFE)));
    return hn::Add(numbers.upper, hn::ShiftRight<15>(average));
  }
};

struct ToF16 {
  using Element = std::uint16_t;
  using EightHalves = hn::FixedTag<std::uint16_t, 8>;
  static HWY_INLINE hn::Vec<EightHalves> narrow(FloatVector values) {
    const hn::FixedTag<hwy::float16_t, 8> d;
    return hn::BitCast(EightHalves(), hn::DemoteTo(d, values));
  }
  static HWY_INLINE HalfVector narrow(FloatVector even, FloatVector odd) {
    const EightHalves d;
    const auto e = narrow(even);
    const auto o = narrow(odd);
    return hn::Combine(Halves(), hn::InterleaveUpper(d, e, o), hn::InterleaveLower(d, e, o));
  }
  static HWY_INLINE void store(FloatVector values, Element* to) {
    hn::StoreU(narrow(values), EightHalves(), to);
  }
};

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
