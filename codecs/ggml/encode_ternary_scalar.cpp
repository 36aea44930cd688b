#include <cmath>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_ternary.hpp"
#include "codecs/ggml/encode_trits.hpp"

namespace plimsoll::codecs::ggml {
namespace {

/// A NaN replaces the maximum so far and is replaced by the next number, as in ggml.
float largest_magnitude(const float* elements) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < ternary_elements; ++i) {
    const float magnitude = std::abs(elements[i]);
    if (!(largest > magnitude)) largest = magnitude;
  }
  return largest;
}

float inverse_of(float scale) {
  return scale != 0.0f ? 1.0f / scale : 0.0f;
}

/// `bytes` bytes of `trits` trits each: those of a byte are `bytes` elements apart.
void pack_trits(const float* elements, float inverse, std::size_t bytes, std::size_t trits,
                std::byte* to) {
  for (std::size_t byte = 0; byte < bytes; ++byte) {
    std::uint32_t digits = 0;
    for (std::size_t trit = 0; trit < 5; ++trit) {
      digits *= 3;
      if (trit < trits) digits += trit_of(elements[byte + trit * bytes] * inverse, 1);
    }
    store_u8(to + byte, tq1_byte(digits));
  }
}

void encode_tq1_0_block(const float* elements, std::byte* to) {
  const float scale = largest_magnitude(elements);
  const float inverse = inverse_of(scale);
  pack_trits(elements, inverse, 32, 5, to);
  pack_trits(elements + 160, inverse, 16, 5, to + 32);
  pack_trits(elements + 240, inverse, 4, 4, to + 48);
  store_f16(to + 52, scale);
}

void encode_tq2_0_block(const float* elements, std::byte* to) {
  const float scale = largest_magnitude(elements);
  const float inverse = inverse_of(scale);
  for (std::size_t half = 0; half < 2; ++half) {
    const float* from = elements + 128 * half;
    for (std::size_t byte = 0; byte < 32; ++byte) {
      std::uint32_t codes = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        codes |= trit_of(from[byte + 32 * i] * inverse, 1) << 2 * i;
      }
      store_u8(to + 32 * half + byte, codes);
    }
  }
  store_f16(to + 64, scale);
}

}  // namespace

void encode_tq1_0_scalar(const float* elements, const float* /*importance*/, std::size_t blocks,
                         std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    encode_tq1_0_block(elements + block * ternary_elements, to + block * tq1_bytes);
  }
}

void encode_tq2_0_scalar(const float* elements, const float* /*importance*/, std::size_t blocks,
                         std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    encode_tq2_0_block(elements + block * ternary_elements, to + block * tq2_bytes);
  }
}

}  // namespace plimsoll::codecs::ggml
