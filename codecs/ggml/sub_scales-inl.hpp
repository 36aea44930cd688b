// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_SUB_SCALES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_SUB_SCALES_INL_HPP
#undef PLIMSOLL_CODECS_GGML_SUB_SCALES_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_SUB_SCALES_INL_HPP
#endif

#include <hwy/highway.h>

#include "codecs/ggml/codes-inl.hpp"

// The scales of a block's sub-blocks, eight at a time: small integers times the block's scale.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET <= HWY_AVX2

using EightBytes = hn::FixedTag<std::uint8_t, 8>;

/// `integers` are eight signed or unsigned bytes.
template <class EightIntegers>
HWY_INLINE void store_scales(EightIntegers integers, int zero, float factor, float* to) {
  const auto numbers = hn::Sub(hn::PromoteTo(Ints(), integers), hn::Set(Ints(), zero));
  hn::Store(hn::Mul(hn::ConvertTo(Floats(), numbers), hn::Set(Floats(), factor)), Floats(), to);
}

/// Bytes of a word, the first in the least significant one, less `zero`.
HWY_INLINE void store_scales(std::uint64_t integers, int zero, float factor, float* to) {
  const hn::FixedTag<std::uint64_t, 1> d;
  store_scales(hn::BitCast(EightBytes(), hn::Set(d, integers)), zero, factor, to);
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
