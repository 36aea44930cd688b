// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_ELEMENTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_ELEMENTS_INL_HPP
#undef PLIMSOLL_CODECS_ELEMENTS_INL_HPP
#else
#define PLIMSOLL_CODECS_ELEMENTS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "codecs/float_bits.hpp"

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::ScalableTag<std::uint32_t>;
using FloatVector = hn::Vec<Floats>;
using WordVector = hn::Vec<Words>;
using FourFloats = hn::FixedTag<float, 4>;

constexpr std::size_t lanes = hn::MaxLanes(Floats());

/// Two neighbouring vectors' worth of elements as fp32: those at even places and those at odd ones.
struct Pair {
  FloatVector even;
  FloatVector odd;
};

Pair deinterleave(FloatVector first, FloatVector second) {
  const Floats d;
  return {hn::ConcatEven(d, second, first), hn::ConcatOdd(d, second, first)};
}

struct F32Elements {
  using Element = float;
  using Bits = std::uint32_t;
  static Pair load(const Element* from) {
    const Floats d;
    return deinterleave(hn::LoadU(d, from), hn::LoadU(d, from + lanes));
  }
  static hn::Vec<FourFloats> widen(const Bits* magnitudes) {
    const FourFloats d;
    return hn::BitCast(d, hn::LoadU(hn::FixedTag<Bits, 4>(), magnitudes));
  }
};

struct F16Elements {
  using Element = hwy::float16_t;
  using Bits = std::uint16_t;
  static Pair load(const Element* from) {
    const Floats d;
    const hn::Rebind<Element, Floats> half;
    return deinterleave(hn::PromoteTo(d, hn::LoadU(half, from)),
                        hn::PromoteTo(d, hn::LoadU(half, from + lanes)));
  }
  static hn::Vec<FourFloats> widen(const Bits* magnitudes) {
#if HWY_TARGET <= HWY_AVX2
    const hn::FixedTag<Element, 4> half;
    const auto bits = hn::LoadU(hn::FixedTag<Bits, 4>(), magnitudes);
    return hn::PromoteTo(FourFloats(), hn::BitCast(half, bits));
#else
    // Without an instruction for it, Highway takes infinity and NaN for numbers.
    alignas(16) float wide[4];
    for (std::size_t i = 0; i < 4; ++i) wide[i] = f32_from_f16(magnitudes[i]);
    return hn::Load(FourFloats(), wide);
#endif
  }
};

struct Bf16Elements {
  using Element = hwy::bfloat16_t;
  using Bits = std::uint16_t;
  static Pair load(const Element* from) {
    const Words d;
    WordVector both = hn::BitCast(
        d, hn::LoadU(hn::Repartition<Bits, Words>(), reinterpret_cast<const Bits*>(from)));
#if HWY_TARGET <= HWY_AVX3 && HWY_COMPILER_GCC
    // Keeps the compiler from loading twice, which costs a tenth where lines are straddled.
    asm("" : "+v"(both.raw));
#endif
    return {hn::BitCast(Floats(), hn::ShiftLeft<16>(both)),
            hn::BitCast(Floats(), hn::And(both, hn::Set(d, 0xFFFF0000u)))};
  }
  static hn::Vec<FourFloats> widen(const Bits* magnitudes) {
    const hn::FixedTag<std::uint32_t, 4> d;
    const auto wide = hn::PromoteTo(d, hn::LoadU(hn::FixedTag<Bits, 4>(), magnitudes));
    return hn::BitCast(FourFloats(), hn::ShiftLeft<16>(wide));
  }
};

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs
HWY_AFTER_NAMESPACE();

#endif
