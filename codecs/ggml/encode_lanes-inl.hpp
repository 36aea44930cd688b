// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_ENCODE_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_ENCODE_LANES_INL_HPP
#undef PLIMSOLL_CODECS_GGML_ENCODE_LANES_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_ENCODE_LANES_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "codecs/float_bits.hpp"

// Vectors of four or eight numbers, whatever more the machine has: blocks are short, and tables of
// up to eight numbers are looked up in one vector where there are eight lanes.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 8>;
using Ints = hn::RebindToSigned<Floats>;
using Words = hn::RebindToUnsigned<Floats>;
using FloatVector = hn::Vec<Floats>;
using IntVector = hn::Vec<Ints>;
using WordVector = hn::Vec<Words>;

constexpr std::size_t lanes = hn::MaxLanes(Floats());
static_assert(lanes == 4 || lanes == 8);

/// The largest magnitude of `count` elements, a multiple of the lanes, as bits: those of infinity
/// or above them if one of the elements is not finite.
HWY_INLINE std::uint32_t largest_bits(const float* elements, std::size_t count) {
  const Ints d;
  const auto magnitude = hn::Set(d, 0x7FFFFFFF);
  const auto* bits = reinterpret_cast<const std::int32_t*>(elements);
  auto largest = hn::Zero(d);
  for (std::size_t i = 0; i < count; i += lanes) {
    largest = hn::Max(largest, hn::And(hn::LoadU(d, bits + i), magnitude));
  }
  return static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(d, largest)));
}

/// -1 where the mask is set, 0 elsewhere.
HWY_INLINE IntVector as_int(hn::Mask<Floats> mask) {
  return hn::BitCast(Ints(), hn::VecFromMask(Floats(), mask));
}

/// The low bytes of all lanes.
HWY_INLINE void store_bytes(IntVector bytes, std::byte* to) {
  hn::StoreU(hn::U8FromU32(hn::BitCast(Words(), bytes)), hn::Rebind<std::uint8_t, Words>(),
             reinterpret_cast<std::uint8_t*>(to));
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
