#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs {

// The values of the eight-bit floats; every one is exact in fp32.

namespace float8_detail {

constexpr float with_sign(std::uint8_t code, std::uint32_t magnitude_bits) {
  return std::bit_cast<float>(std::uint32_t{code & 0x80u} << 24 | magnitude_bits);
}

inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();

}  // namespace float8_detail

/// E4M3 of the OCP ("fn"): no infinities, one NaN a sign.
[[nodiscard]] constexpr float f32_from_e4m3(std::uint8_t code) {
  if ((code & 0x7Fu) == 0x7Fu) return float8_detail::with_sign(code, f32_infinity | f32_quiet);
  return float8_detail::with_sign(code, f32_bits_of_small(code & 0x7Fu, 3, 7));
}

/// The largest number of E4M3.
inline constexpr float e4m3_max = 448.0f;

/// The E4M3 code of a number from 0 to 448: the nearest, of two the even one.
[[nodiscard]] constexpr std::uint8_t e4m3_from_magnitude(float magnitude) {
  // The sum's lowest bit is worth the distance between neighbouring codes, so that the addition
  // rounds as it should and leaves the number of those distances in its low bits.
  constexpr std::uint32_t smallest_normal = 121u << 23;  // 2^-6
  const std::uint32_t octave = std::bit_cast<std::uint32_t>(magnitude) & f32_infinity;
  const std::uint32_t base = (octave < smallest_normal ? smallest_normal : octave) + (20u << 23);
  const auto sum = std::bit_cast<std::uint32_t>(magnitude + std::bit_cast<float>(base));
  return static_cast<std::uint8_t>(sum - base + (base >> 20) - (141u << 3));
}

/// E5M2: the upper half of an f16.
[[nodiscard]] constexpr float f32_from_e5m2(std::uint8_t code) {
  return f32_from_f16(static_cast<std::uint16_t>(code << 8));
}

/// E8M0: a power of two without sign; 0 is 2^-127, 255 is NaN.
[[nodiscard]] constexpr float f32_from_e8m0(std::uint8_t code) {
  if (code == 0xFF) return float8_detail::nan;
  if (code == 0) return std::bit_cast<float>(0x00400000u);
  return std::bit_cast<float>(std::uint32_t{code} << 23);
}

/// The "fnuz" formats: bias one higher, no infinities, no negative zero, whose pattern is NaN.
[[nodiscard]] constexpr float f32_from_e4m3fnuz(std::uint8_t code) {
  if (code == 0x80) return float8_detail::nan;
  return float8_detail::with_sign(code, f32_bits_of_small(code & 0x7Fu, 3, 8));
}
[[nodiscard]] constexpr float f32_from_e5m2fnuz(std::uint8_t code) {
  if (code == 0x80) return float8_detail::nan;
  return float8_detail::with_sign(code, f32_bits_of_small(code & 0x7Fu, 2, 16));
}

}  // namespace plimsoll::codecs
