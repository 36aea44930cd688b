#include "codecs/ggml/block_decoders.hpp"
#include "codecs/ggml/block_fields.hpp"

// The types of 32 elements a block, in their order: one scale, for some a least value, and codes.
// Four bits of elements j and j + 16 share byte j; a fifth is bit j of a word.

namespace plimsoll::codecs::ggml::scalar {
namespace {

constexpr unsigned half = 16;

int nibble(const std::uint8_t* codes, unsigned i) {
  return i < half ? codes[i] & 15 : codes[i - half] >> 4;
}

int five_bits(std::uint32_t fifth, const std::uint8_t* codes, unsigned i) {
  return nibble(codes, i) | static_cast<int>((fifth >> i & 1u) << 4);
}

}  // namespace

void q4_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned i = 0; i < 2 * half; ++i) {
    values[i] = static_cast<float>(nibble(block + 2, i) - 8) * scale;
  }
}

void q4_1(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const float least = f16_at(block + 2);
  for (unsigned i = 0; i < 2 * half; ++i) {
    values[i] = static_cast<float>(nibble(block + 4, i)) * scale + least;
  }
}

void q5_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const std::uint32_t fifth = u32_at(block + 2);
  for (unsigned i = 0; i < 2 * half; ++i) {
    values[i] = static_cast<float>(five_bits(fifth, block + 6, i) - 16) * scale;
  }
}

void q5_1(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const float least = f16_at(block + 2);
  const std::uint32_t fifth = u32_at(block + 4);
  for (unsigned i = 0; i < 2 * half; ++i) {
    values[i] = static_cast<float>(five_bits(fifth, block + 8, i)) * scale + least;
  }
}

void q8_0(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned i = 0; i < 2 * half; ++i) {
    values[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * scale;
  }
}

}  // namespace plimsoll::codecs::ggml::scalar
