#include <cmath>

#include "codecs/ggml/encode_few_bits.hpp"
#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_trits.hpp"

namespace plimsoll::codecs::ggml {
namespace {

void encode_q1_0_block(const float* elements, std::byte* to) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < q1_elements; ++i) sum += std::abs(elements[i]);
  store_f16(to, sum / static_cast<float>(q1_elements));
  for (std::size_t byte = 0; byte < q1_elements / 8; ++byte) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      if (elements[8 * byte + i] >= 0.0f) bits |= 1u << i;
    }
    store_u8(to + 2 + byte, bits);
  }
}

void encode_q2_0_block(const float* elements, std::byte* to) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < q2_elements; ++i) {
    const float magnitude = std::abs(elements[i]);
    if (magnitude > largest) largest = magnitude;
  }
  const float inverse = largest > 0.0f ? 1.0f / largest : 0.0f;
  store_f16(to, largest);
  for (std::size_t byte = 0; byte < q2_elements / 4; ++byte) {
    std::uint32_t codes = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      codes |= trit_of(elements[4 * byte + i] * inverse, 0) << 2 * i;
    }
    store_u8(to + 2 + byte, codes);
  }
}

}  // namespace

void encode_q1_0_scalar(const float* elements, const float* /*importance*/, std::size_t blocks,
                        std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    encode_q1_0_block(elements + block * q1_elements, to + block * q1_bytes);
  }
}

void encode_q2_0_scalar(const float* elements, const float* /*importance*/, std::size_t blocks,
                        std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    encode_q2_0_block(elements + block * q2_elements, to + block * q2_bytes);
  }
}

}  // namespace plimsoll::codecs::ggml
