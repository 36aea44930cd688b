#include "codecs/cast.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/cast.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/float_bits.hpp"

// Every pair of F32, F16 and BF16 goes through fp32 vectors, which hold both 16-bit types exactly.
// Without instructions for F16 all of it, and everything else, is left to the scalar code, which
// also does the last elements that fill no vector.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::ScalableTag<std::uint32_t>;
using Ints = hn::ScalableTag<std::int32_t>;
using Halves = hn::Rebind<std::uint16_t, Floats>;
using WordVector = hn::Vec<Words>;

HWY_INLINE hn::Mask<Words> is_nan(WordVector bits) {
  const Ints ints;
  const auto magnitude = hn::And(bits, hn::Set(Words(), ~f32_sign));
  return hn::RebindMask(Words(), hn::Gt(hn::BitCast(ints, magnitude),
                                        hn::BitCast(ints, hn::Set(Words(), f32_infinity))));
}

HWY_INLINE WordVector quieted(WordVector bits) {
  const auto quiet = hn::IfThenElseZero(is_nan(bits), hn::Set(Words(), f32_quiet));
  return hn::Or(bits, quiet);
}

// What a dtype's elements are as fp32 bits, NaN made quiet, and back.

struct F32 {
  using Element = std::uint32_t;
  static HWY_INLINE WordVector load(const Element* from) {
    return quieted(hn::LoadU(Words(), from));
  }
  static HWY_INLINE void store(WordVector bits, Element* to) { hn::StoreU(bits, Words(), to); }
};

struct Bf16 {
  using Element = std::uint16_t;
  static HWY_INLINE WordVector load(const Element* from) {
    return quieted(hn::ShiftLeft<16>(hn::PromoteTo(Words(), hn::LoadU(Halves(), from))));
  }
  static HWY_INLINE void store(WordVector bits, Element* to) {
    const Words d;
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
    const auto rounded = hn::Add(hn::Add(bits, hn::Set(d, 0x7FFF)), odd);
    const auto upper = hn::ShiftRight<16>(hn::IfThenElse(is_nan(bits), bits, rounded));
    hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(Ints(), upper)), Halves(), to);
  }
};

struct F16 {
  using Element = std::uint16_t;
  using Tag = hn::Rebind<hwy::float16_t, Floats>;
  static HWY_INLINE WordVector load(const Element* from) {
    const auto half = hn::BitCast(Tag(), hn::LoadU(Halves(), from));
    return hn::BitCast(Words(), hn::PromoteTo(Floats(), half));
  }
  static HWY_INLINE void store(WordVector bits, Element* to) {
    const auto half = hn::DemoteTo(Tag(), hn::BitCast(Floats(), bits));
    hn::StoreU(hn::BitCast(Halves(), half), Halves(), to);
  }
};

template <class From, class To>
std::size_t convert(const std::byte* source, std::byte* destination, std::size_t count) {
  constexpr std::size_t lanes = hn::MaxLanes(Floats());
  const auto* from = reinterpret_cast<const typename From::Element*>(source);
  auto* to = reinterpret_cast<typename To::Element*>(destination);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) To::store(From::load(from + i), to + i);
  return i;
}

std::size_t convert_pair(Dtype from, const std::byte* source, Dtype to, std::byte* destination,
                         std::size_t count) {
  if (from == Dtype::bf16 && to == Dtype::f32) {
    return convert<Bf16, F32>(source, destination, count);
  }
  if (from == Dtype::bf16 && to == Dtype::f16) {
    return convert<Bf16, F16>(source, destination, count);
  }
  if (from == Dtype::f16 && to == Dtype::f32) {
    return convert<F16, F32>(source, destination, count);
  }
  if (from == Dtype::f16 && to == Dtype::bf16) {
    return convert<F16, Bf16>(source, destination, count);
  }
  if (from == Dtype::f32 && to == Dtype::bf16) {
    return convert<F32, Bf16>(source, destination, count);
  }
  if (from == Dtype::f32 && to == Dtype::f16) {
    return convert<F32, F16>(source, destination, count);
  }
  return 0;
}

#else

std::size_t convert_pair(Dtype /*from*/, const std::byte* /*source*/, Dtype /*to*/,
                         std::byte* /*destination*/, std::size_t /*count*/) {
  return 0;
}

#endif

}  // namespace

/// Returns how many elements it has done, which are the first ones.
std::size_t cast_vectors(Dtype from, const std::byte* source, Dtype to, std::byte* destination,
                         std::size_t count) {
  return convert_pair(from, source, to, destination, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs {

HWY_EXPORT(cast_vectors);

void cast(Dtype from, const std::byte* source, Dtype to, std::byte* destination,
          std::size_t count) {
  const std::size_t done = HWY_DYNAMIC_DISPATCH(cast_vectors)(from, source, to, destination, count);
  cast_scalar(from, source + done * (bits_of(from) / 8), to, destination + done * (bits_of(to) / 8),
              count - done);
}

}  // namespace plimsoll::codecs
#endif
