#include "codecs/ggml/block_decoders.hpp"
#include "codecs/ggml/block_fields.hpp"

// Types of two bits an element and less that have one scale a block: small integers times it.

namespace plimsoll::codecs::ggml::scalar {
namespace {

/// Digit `place` of a byte that holds five numbers to the base of 3 as a fraction of 256, the
/// first in the highest place.
int trit(std::uint8_t byte, unsigned place) {
  constexpr std::uint8_t powers[5] = {1, 3, 9, 27, 81};
  const auto rest = static_cast<std::uint8_t>(byte * powers[place]);
  return rest * 3 >> 8;
}

/// The digits of `bytes` bytes, place by place.
float* trits(const std::uint8_t* codes, unsigned bytes, unsigned places, float scale,
             float* values) {
  for (unsigned place = 0; place < places; ++place) {
    for (unsigned i = 0; i < bytes; ++i) {
      *values++ = static_cast<float>(trit(codes[i], place) - 1) * scale;
    }
  }
  return values;
}

}  // namespace

void tq1_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block + 52);
  values = trits(block, 32, 5, scale, values);
  values = trits(block + 32, 16, 5, scale, values);
  trits(block + 48, 4, 4, scale, values);
}

void tq2_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block + 64);
  for (unsigned i = 0; i < 256; ++i) {
    const int code = block[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3;
    values[i] = static_cast<float>(code - 1) * scale;
  }
}

void q1_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned i = 0; i < 128; ++i) {
    values[i] = (block[2 + i / 8] >> i % 8 & 1) != 0 ? scale : -scale;
  }
}

void q2_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned i = 0; i < 64; ++i) {
    const int code = block[2 + i / 4] >> 2 * (i % 4) & 3;
    values[i] = static_cast<float>(code - 1) * scale;
  }
}

}  // namespace plimsoll::codecs::ggml::scalar
