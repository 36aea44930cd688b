// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_PRODUCTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_PRODUCTS_INL_HPP
#undef PLIMSOLL_CODECS_GGML_PRODUCTS_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_PRODUCTS_INL_HPP
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "codecs/ggml/destinations-inl.hpp"

// Where many numbers are possible: every element is computed. Codes are signed bytes, which widen
// into the highest bits of a word, and so become numbers 2^24 times too large; scales in code_unit
// make up for it. As scales are multiples of the least f16, 2^-24, or hardly less, they stay normal
// in that unit, and the products are those of the codes themselves, rounded the same.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET <= HWY_AVX2

constexpr float code_unit = 0x1p-24f;

/// code * scale.
struct Scaled {
  FloatVector scale;
  explicit HWY_INLINE Scaled(float factor) : scale(hn::Set(Floats(), factor)) {}
  HWY_INLINE FloatVector operator()(FloatVector codes) const { return hn::Mul(codes, scale); }
};

/// code * scale + offset; no fused operation, for it would round once where ggml rounds twice.
struct ScaledAndMoved {
  FloatVector scale;
  FloatVector offset;
  HWY_INLINE ScaledAndMoved(float factor, float moved_by)
      : scale(hn::Set(Floats(), factor)), offset(hn::Set(Floats(), moved_by)) {}
  HWY_INLINE FloatVector operator()(FloatVector codes) const {
    return hn::Add(hn::Mul(codes, scale), offset);
  }
};

template <class V>
HWY_INLINE FloatVector floats_of(V words) {
  return hn::ConvertTo(Floats(), hn::BitCast(Ints(), words));
}

/// The order that store_products() wants codes in.
template <class To>
using ProductsOrder = std::conditional_t<std::is_same_v<To, ToBf16>, ByHalves, ByWords>;

/// Stores 16 elements, whose codes are the upper bytes of halves.
template <class Map>
HWY_INLINE void store_half_run(ToBf16, HalfVector codes, const Map& map, std::uint16_t* to) {
  const Words d;
  const auto words = hn::BitCast(d, codes);
  const auto even = map(floats_of(hn::ShiftLeft<16>(words)));
  const auto odd = map(floats_of(hn::And(words, hn::Set(d, 0xFFFF0000u))));
  hn::StoreU(ToBf16::narrow(even, odd), Halves(), to);
}

template <class To, class Map>
HWY_INLINE void store_half_run(To, HalfVector codes, const Map& map, typename To::Element* to) {
  const Halves d;
  const auto zero = hn::Zero(d);
  To::store(map(floats_of(hn::InterleaveLower(d, zero, codes))), to);
  To::store(map(floats_of(hn::InterleaveUpper(d, zero, codes))), to + 8);
}

/// Stores 32 elements, whose codes are in ProductsOrder: 16 by either map, with scales in
/// code_unit.
template <class To, class Map>
HWY_INLINE void store_products(ByteVector codes, const Map& first, const Map& second,
                               typename To::Element* to) {
  const Bytes d;
  const auto zero = hn::Zero(d);
  store_half_run(To(), hn::BitCast(Halves(), hn::InterleaveLower(d, zero, codes)), first, to);
  store_half_run(To(), hn::BitCast(Halves(), hn::InterleaveUpper(d, zero, codes)), second, to + 16);
}

template <class To, class Map>
HWY_INLINE void store_products(ByteVector codes, const Map& map, typename To::Element* to) {
  store_products<To>(codes, map, map, to);
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
