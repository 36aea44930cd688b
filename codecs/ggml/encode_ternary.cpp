#include "codecs/ggml/encode_ternary.hpp"

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_trits.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/encode_ternary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_lanes-inl.hpp"

// Blocks whose scale has no ordinary inverse, among them those with NaN or infinity, are left to
// the scalar code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void tq1_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  encode_tq1_0_scalar(elements, nullptr, blocks, to);
}
void tq2_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  encode_tq2_0_scalar(elements, nullptr, blocks, to);
}

#else

/// 0, 1 or 2 for the nearest of -1, 0 and 1, halves away from zero.
HWY_INLINE IntVector trits_of(FloatVector scaled) {
  const Floats d;
  const auto above = as_int(hn::Ge(scaled, hn::Set(d, 0.5f)));
  const auto below = as_int(hn::Le(scaled, hn::Set(d, -0.5f)));
  return hn::Sub(hn::Add(hn::Set(Ints(), 1), below), above);
}

HWY_INLINE IntVector trits_at(const float* elements, FloatVector inverse) {
  return trits_of(hn::Mul(hn::LoadU(Floats(), elements), inverse));
}

/// The bytes of so many numbers of five trits: see tq1_byte().
HWY_INLINE IntVector tq1_bytes_of(IntVector digits) {
  const Words d;
  const auto dividend = hn::Add(hn::ShiftLeft<8>(hn::BitCast(d, digits)), hn::Set(d, 242u));
  return hn::BitCast(Ints(), hn::ShiftRight<24>(hn::Mul(dividend, hn::Set(d, tq1_reciprocal))));
}

/// `bytes` bytes of five trits each: those of a byte are `bytes` elements apart.
HWY_INLINE void pack_five(const float* elements, FloatVector inverse, std::size_t bytes,
                          std::byte* to) {
  for (std::size_t byte = 0; byte < bytes; byte += lanes) {
    auto digits = trits_at(elements + byte, inverse);
    for (std::size_t trit = 1; trit < 5; ++trit) {
      const auto thrice = hn::Add(hn::Add(digits, digits), digits);
      digits = hn::Add(thrice, trits_at(elements + byte + trit * bytes, inverse));
    }
    store_bytes(tq1_bytes_of(digits), to + byte);
  }
}

void tq1_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  for (std::size_t block = 0; block < blocks;
       ++block, elements += ternary_elements, to += tq1_bytes) {
    const TritScale scale(largest_bits(elements, ternary_elements));
    if (!scale.ordinary) {
      encode_tq1_0_scalar(elements, nullptr, 1, to);
      continue;
    }
    const auto inverse = hn::Set(Floats(), scale.inverse);
    pack_five(elements, inverse, 32, to);
    pack_five(elements + 160, inverse, 16, to + 32);
    for (std::size_t byte = 0; byte < 4; ++byte) {
      std::uint32_t digits = 0;
      for (std::size_t trit = 0; trit < 4; ++trit) {
        digits = digits * 3 + trit_of(elements[240 + byte + 4 * trit] * scale.inverse, 1);
      }
      store_u8(to + 48 + byte, tq1_byte(digits * 3));
    }
    store_f16(to + 52, scale.value);
  }
}

/// Four trits to a byte: those of a byte are 32 elements apart.
HWY_INLINE void pack_four(const float* elements, FloatVector inverse, std::byte* to) {
  for (std::size_t byte = 0; byte < 32; byte += lanes) {
    const auto a = trits_at(elements + byte, inverse);
    const auto b = trits_at(elements + byte + 32, inverse);
    const auto c = trits_at(elements + byte + 64, inverse);
    const auto d = trits_at(elements + byte + 96, inverse);
    const auto low = hn::Or(a, hn::ShiftLeft<2>(b));
    const auto high = hn::Or(hn::ShiftLeft<4>(c), hn::ShiftLeft<6>(d));
    store_bytes(hn::Or(low, high), to + byte);
  }
}

void tq2_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  for (std::size_t block = 0; block < blocks;
       ++block, elements += ternary_elements, to += tq2_bytes) {
    const TritScale scale(largest_bits(elements, ternary_elements));
    if (!scale.ordinary) {
      encode_tq2_0_scalar(elements, nullptr, 1, to);
      continue;
    }
    const auto inverse = hn::Set(Floats(), scale.inverse);
    pack_four(elements, inverse, to);
    pack_four(elements + 128, inverse, to + 32);
    store_f16(to + 64, scale.value);
  }
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes their addresses from elsewhere.
void encode_tq1_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  tq1_0_blocks(elements, blocks, to);
}
void encode_tq2_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  tq2_0_blocks(elements, blocks, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_tq1_0_blocks);
HWY_EXPORT(encode_tq2_0_blocks);

void encode_tq1_0(const float* elements, const float* /*importance*/, std::size_t blocks,
                  std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_tq1_0_blocks)(elements, blocks, to);
}

void encode_tq2_0(const float* elements, const float* /*importance*/, std::size_t blocks,
                  std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_tq2_0_blocks)(elements, blocks, to);
}

}  // namespace plimsoll::codecs::ggml
#endif
