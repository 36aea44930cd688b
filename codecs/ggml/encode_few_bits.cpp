#include "codecs/ggml/encode_few_bits.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_trits.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/encode_few_bits.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void q1_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  encode_q1_0_scalar(elements, nullptr, blocks, to);
}
void q2_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  encode_q2_0_scalar(elements, nullptr, blocks, to);
}

#else

/// A bit for each of eight elements; `mask_of` makes the mask of a vector.
template <class MaskOf>
HWY_INLINE std::uint32_t bits_of_eight(const float* elements, MaskOf mask_of) {
  const Floats d;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 8; i += lanes) {
    std::uint8_t byte[8];
    hn::StoreMaskBits(d, mask_of(hn::LoadU(d, elements + i)), byte);
    bits |= std::uint32_t{byte[0]} << i;
  }
  return bits;
}

// ---- Q1_0: sums are taken in the order of the elements, those of four blocks side by side ----

constexpr std::size_t blocks_at_once = 4;

/// The last of fewer than four blocks is summed again for those that are missing.
void sum_magnitudes(const float* elements, std::size_t blocks,
                    std::array<float, blocks_at_once>& sums) {
  std::array<const float*, blocks_at_once> from;
  for (std::size_t b = 0; b < blocks_at_once; ++b) {
    from[b] = elements + std::min(b, blocks - 1) * q1_elements;
  }
  sums = {};
  for (std::size_t i = 0; i < q1_elements; ++i) {
    for (std::size_t b = 0; b < blocks_at_once; ++b) sums[b] += std::abs(from[b][i]);
  }
}

void q1_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  const auto zero = hn::Zero(Floats());
  const auto not_negative = [&](FloatVector v) HWY_ATTR { return hn::Ge(v, zero); };
  std::array<float, blocks_at_once> sums;
  for (std::size_t block = 0; block < blocks; ++block) {
    const float* from = elements + block * q1_elements;
    std::byte* bytes = to + block * q1_bytes;
    const std::size_t turn = block % blocks_at_once;
    if (turn == 0) sum_magnitudes(from, blocks - block, sums);
    if (sums[turn] != sums[turn]) {  // which of several NaN it is depends on the code
      encode_q1_0_scalar(from, nullptr, 1, bytes);
      continue;
    }
    store_f16(bytes, sums[turn] / static_cast<float>(q1_elements));
    for (std::size_t i = 0; i < q1_elements; i += 8) {
      store_u8(bytes + 2 + i / 8, bits_of_eight(from + i, not_negative));
    }
  }
}

// ---- Q2_0: of a code's two bits, the high one says +1 and the low one 0 ----

/// Eight bits, each moved to twice its place.
constexpr std::array<std::uint16_t, 256> spread_bits = [] {
  std::array<std::uint16_t, 256> spread{};
  for (unsigned bits = 0; bits < 256; ++bits) {
    for (unsigned i = 0; i < 8; ++i) {
      spread[bits] = static_cast<std::uint16_t>(spread[bits] | (bits >> i & 1u) << 2 * i);
    }
  }
  return spread;
}();

void q2_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  const Floats d;
  for (std::size_t block = 0; block < blocks; ++block, elements += q2_elements, to += q2_bytes) {
    const TritScale scale(largest_bits(elements, q2_elements));
    if (!scale.ordinary) {
      encode_q2_0_scalar(elements, nullptr, 1, to);
      continue;
    }
    const auto inverse = hn::Set(d, scale.inverse);
    const auto half = hn::Set(d, 0.5f);
    const auto is_one = [&](FloatVector v) HWY_ATTR { return hn::Ge(hn::Mul(v, inverse), half); };
    const auto is_zero = [&](FloatVector v)
                             HWY_ATTR { return hn::Lt(hn::Abs(hn::Mul(v, inverse)), half); };
    store_f16(to, scale.value);
    for (std::size_t i = 0; i < q2_elements; i += 8) {
      const std::uint32_t high = spread_bits[bits_of_eight(elements + i, is_one)];
      const std::uint32_t low = spread_bits[bits_of_eight(elements + i, is_zero)];
      store_u16(to + 2 + i / 4, low | high << 1);
    }
  }
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes their addresses from elsewhere.
void encode_q1_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  q1_0_blocks(elements, blocks, to);
}
void encode_q2_0_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  q2_0_blocks(elements, blocks, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_q1_0_blocks);
HWY_EXPORT(encode_q2_0_blocks);

void encode_q1_0(const float* elements, const float* /*importance*/, std::size_t blocks,
                 std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_q1_0_blocks)(elements, blocks, to);
}

void encode_q2_0(const float* elements, const float* /*importance*/, std::size_t blocks,
                 std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_q2_0_blocks)(elements, blocks, to);
}

}  // namespace plimsoll::codecs::ggml
#endif
