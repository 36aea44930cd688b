#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs::ggml {

/// The numbers of FP4 (E2M1), doubled so that they are integers. The zero with a sign has none.
inline constexpr std::array<std::int8_t, 16> fp4_doubled = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
};

// Scales of FP4 blocks, halved as the numbers are doubled.

/// E8M0, without NaN: 2^(code - 128), which is subnormal below 2.
[[nodiscard]] constexpr float e8m0_halved(std::uint8_t code) {
  return std::bit_cast<float>(code < 2 ? 0x00200000u << code : (code - 1u) << 23);
}

/// E4M3 whose sign does not count; 0x7F, its NaN, is 0, but 0xFF is the number 480.
[[nodiscard]] constexpr float ue4m3_halved(std::uint8_t code) {
  if (code == 0x7F) return 0.0f;
  return 0.5f * std::bit_cast<float>(f32_bits_of_small(code & 0x7Fu, 3, 7));
}

}  // namespace plimsoll::codecs::ggml
