#include "codecs/float_bits.hpp"
#include "codecs/fp8.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/fp8_dequantize.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/fp8_runs.hpp"

// How it works. A code's bits below the sign, put where fp32 has them, are 2^-120 times the number,
// but for codes 1 to 7 (E4M3's subnormals), which are counted off 2^14, where the last bit is 2^-9.
// Weights hardly have those, so that BF16 goes without where it can. The vector code does not see
// NaN: whoever meets it takes the scalar code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::ScalableTag<std::uint32_t>;
using Ints = hn::ScalableTag<std::int32_t>;
using Quarters = hn::Rebind<std::uint8_t, Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;
using FloatVector = hn::Vec<Floats>;

constexpr std::size_t lanes = hn::MaxLanes(Floats());

struct ToF32 {
  using Element = float;
  static constexpr bool in_pairs = false;
  static Element narrow(float value) { return value; }
  static HWY_INLINE void store(FloatVector values, Element* to) {
    hn::StoreU(values, Floats(), to);
  }
};
struct ToBf16 {
  using Element = std::uint16_t;
  static constexpr bool in_pairs = true;
  static Element narrow(float value) { return bf16_from_f32(value); }
  static HWY_INLINE void store(FloatVector values, Element* to) {
    const auto upper = hn::ShiftRight<16>(rounded(values));
    hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(Ints(), upper)), Halves(), to);
  }
  /// With the element in the upper half. Of a number or an infinity.
  static HWY_INLINE hn::Vec<Words> rounded(FloatVector values) {
    const Words d;
    const auto bits = hn::BitCast(d, values);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
    return hn::Add(hn::Add(bits, hn::Set(d, 0x7FFF)), odd);
  }
};
struct ToF16 {
  using Element = std::uint16_t;
  static constexpr bool in_pairs = false;
  static Element narrow(float value) { return f16_from_f32(value); }
  static HWY_INLINE void store(FloatVector values, Element* to) {
    const hn::Rebind<hwy::float16_t, Floats> half;
    hn::StoreU(hn::BitCast(Halves(), hn::DemoteTo(half, values)), Halves(), to);
  }
};

/// The values of codes that are no NaN.
HWY_INLINE FloatVector values_of(hn::Vec<Quarters> codes) {
  const Words d;
  const Floats df;
  const auto words = hn::PromoteTo(d, codes);
  const auto magnitudes = hn::And(words, hn::Set(d, 0x7F));
  const auto signs = hn::ShiftLeft<24>(hn::And(words, hn::Set(d, 0x80)));
  const auto normal = hn::Add(hn::ShiftLeft<20>(magnitudes), hn::Set(d, 120u << 23));
  const auto counted = hn::BitCast(df, hn::Or(magnitudes, hn::Set(d, 141u << 23)));
  const auto subnormal = hn::Sub(counted, hn::Set(df, 0x1p14f));
  const hn::RebindToSigned<Words> di;
  const auto is_normal = hn::Gt(hn::BitCast(di, magnitudes), hn::Set(di, 7));
  const auto values =
      hn::IfThenElse(hn::RebindMask(df, is_normal), hn::BitCast(df, normal), subnormal);
  return hn::BitCast(df, hn::Or(hn::BitCast(d, values), signs));
}

/// Elements of codes from 8 to 126, of either sign: a normal code's bits, where a bf16 has them,
/// are 2^-120 times the number. Even and odd elements are scaled in vectors of their own.
HWY_INLINE void decode_normal(const std::uint8_t* codes, FloatVector scales, std::uint16_t* to) {
  const hn::Repartition<std::uint16_t, Words> d;
  const hn::RebindToSigned<decltype(d)> di;
  const Words dw;
  const Floats df;
  const hn::Rebind<std::int8_t, decltype(di)> bytes;
  const auto signed_codes =
      hn::PromoteTo(di, hn::LoadU(bytes, reinterpret_cast<const std::int8_t*>(codes)));
  const auto places = hn::And(hn::ShiftLeft<4>(hn::BitCast(d, signed_codes)), hn::Set(d, 0x87F0));
  const auto values = hn::BitCast(dw, hn::Add(places, hn::Set(d, 120 << 7)));
  const auto even = hn::BitCast(df, hn::ShiftLeft<16>(values));
  const auto odd = hn::BitCast(df, hn::And(values, hn::Set(dw, 0xFFFF0000u)));
  const auto even_bits = ToBf16::rounded(hn::Mul(even, scales));
  const auto odd_bits = ToBf16::rounded(hn::Mul(odd, scales));
  const auto elements =
      hn::OddEven(hn::BitCast(d, odd_bits), hn::BitCast(d, hn::ShiftRight<16>(even_bits)));
  hn::StoreU(elements, d, to);
}

using Codes = hn::ScalableTag<std::uint8_t>;

/// The codes' magnitudes, as many as a vector has bytes.
HWY_INLINE hn::Vec<Codes> magnitudes_at(const std::uint8_t* codes) {
  return hn::And(hn::LoadU(Codes(), codes), hn::Set(Codes(), 0x7F));
}

HWY_INLINE bool any_nan(hn::Vec<Codes> magnitudes) {
  return !hn::AllFalse(Codes(), hn::Eq(magnitudes, hn::Set(Codes(), 0x7F)));
}

HWY_INLINE bool all_normal(hn::Vec<Codes> magnitudes) {
  const Codes d;
  const auto within = hn::Min(hn::Max(magnitudes, hn::Set(d, 8)), hn::Set(d, 126));
  return hn::AllTrue(d, hn::Eq(within, magnitudes));
}

template <class To>
void decode_each(const std::byte* codes, std::size_t count, float scale,
                 typename To::Element* destination) {
  for (std::size_t i = 0; i < count; ++i) destination[i] = To::narrow(fp8_decoded(codes[i], scale));
}

template <class To>
HWY_INLINE void decode_run(const std::byte* codes, std::size_t count, float scale,
                           typename To::Element* destination) {
  constexpr std::size_t batch = 4 * lanes;
  const bool number = scale - scale == 0.0f;  // no NaN, no infinity
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(codes);
  const auto scales = hn::Set(Floats(), scale);
  std::size_t i = 0;
  for (; number && i + batch <= count; i += batch) {
    const auto magnitudes = magnitudes_at(bytes + i);
    if constexpr (To::in_pairs) {
      if (HWY_LIKELY(all_normal(magnitudes))) {
        decode_normal(bytes + i, scales, destination + i);
        decode_normal(bytes + i + 2 * lanes, scales, destination + i + 2 * lanes);
        continue;
      }
    }
    if (HWY_UNLIKELY(any_nan(magnitudes))) {
      decode_each<To>(codes + i, batch, scale, destination + i);
      continue;
    }
    for (std::size_t part = i; part < i + batch; part += lanes) {
      const auto values = values_of(hn::LoadU(Quarters(), bytes + part));
      To::store(hn::Mul(values, scales), destination + part);
    }
  }
  decode_each<To>(codes + i, count - i, scale, destination + i);
}

template <class To>
void decode(const std::byte* codes, std::uint64_t first, std::size_t count, const Fp8Grid& grid,
            Dtype scale_dtype, const std::byte* scales, std::byte* destination) {
  auto* elements = reinterpret_cast<typename To::Element*>(destination);
  for_each_fp8_run(first, count, grid, scale_dtype, scales,
                   [&](std::size_t offset, std::size_t length, float scale) HWY_ATTR {
                     decode_run<To>(codes + offset, length, scale, elements + offset);
                   });
}

void dequantize(const std::byte* codes, std::uint64_t first, std::size_t count, const Fp8Grid& grid,
                Dtype scale_dtype, const std::byte* scales, Dtype to, std::byte* destination) {
  const auto decode_to = to == Dtype::f32   ? decode<ToF32>
                         : to == Dtype::f16 ? decode<ToF16>
                                            : decode<ToBf16>;
  decode_to(codes, first, count, grid, scale_dtype, scales, destination);
}

#else

void dequantize(const std::byte* codes, std::uint64_t first, std::size_t count, const Fp8Grid& grid,
                Dtype scale_dtype, const std::byte* scales, Dtype to, std::byte* destination) {
  fp8_block_dequantize_scalar(codes, first, count, grid, scale_dtype, scales, to, destination);
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void fp8_decode(const std::byte* codes, std::uint64_t first, std::size_t count, const Fp8Grid& grid,
                Dtype scale_dtype, const std::byte* scales, Dtype to, std::byte* destination) {
  dequantize(codes, first, count, grid, scale_dtype, scales, to, destination);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs {

HWY_EXPORT(fp8_decode);

void fp8_block_dequantize(const std::byte* codes, std::uint64_t first, std::size_t count,
                          const Fp8Grid& grid, Dtype scale_dtype, const std::byte* scales, Dtype to,
                          std::byte* destination) {
  HWY_DYNAMIC_DISPATCH(fp8_decode)
  (codes, first, count, grid, scale_dtype, scales, to, destination);
}

}  // namespace plimsoll::codecs
#endif
