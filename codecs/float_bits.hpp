#pragma once

#include <bit>
#include <cstdint>

namespace plimsoll::codecs {

// Conversions between the bit patterns of small floats and fp32, in integer arithmetic: the same
// on every machine, and usable at compile time. Narrowing rounds once, to nearest even. A NaN keeps
// its sign and the leading bits of its payload and becomes quiet.

inline constexpr std::uint32_t f32_sign = 0x80000000u;
inline constexpr std::uint32_t f32_infinity = 0x7F800000u;
inline constexpr std::uint32_t f32_quiet = 0x00400000u;

/// Bits of a NaN with its quiet bit set; every other pattern unchanged.
[[nodiscard]] constexpr std::uint32_t f32_quieted(std::uint32_t bits) {
  return (bits & ~f32_sign) > f32_infinity ? bits | f32_quiet : bits;
}

[[nodiscard]] constexpr float f32_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(f32_quieted(std::uint32_t{bits} << 16));
}

/// A float with a sign, `exponent_bits` and `mantissa_bits` below it, all exponents finite: the
/// value of a pattern without sign, as fp32 bits. `bias` is that of the small format.
[[nodiscard]] constexpr std::uint32_t f32_bits_of_small(std::uint32_t magnitude,
                                                        unsigned mantissa_bits, int bias) {
  const std::uint32_t exponent = magnitude >> mantissa_bits;
  const std::uint32_t fraction = magnitude & ((1u << mantissa_bits) - 1);
  if (exponent != 0) {
    const auto biased = static_cast<std::uint32_t>(static_cast<int>(exponent) - bias + 127);
    return (biased << 23) | (fraction << (23 - mantissa_bits));
  }
  if (fraction == 0) return 0;
  // Subnormal: the leading one becomes the implicit bit.
  const auto leading = static_cast<unsigned>(std::bit_width(fraction)) - 1;
  const int biased = static_cast<int>(leading) - static_cast<int>(mantissa_bits) + 1 - bias + 127;
  const std::uint32_t below = fraction & ~(1u << leading);
  return (static_cast<std::uint32_t>(biased) << 23) | (below << (23 - leading));
}

[[nodiscard]] constexpr float f32_from_f16(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t magnitude = bits & 0x7FFFu;
  if (magnitude >= 0x7C00u) {
    return std::bit_cast<float>(f32_quieted(sign | f32_infinity | (magnitude & 0x3FFu) << 13));
  }
  return std::bit_cast<float>(sign | f32_bits_of_small(magnitude, 10, 15));
}

[[nodiscard]] constexpr std::uint16_t bf16_from_f32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & ~f32_sign) > f32_infinity) {
    return static_cast<std::uint16_t>(f32_quieted(bits) >> 16);
  }
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

[[nodiscard]] constexpr std::uint16_t f16_from_f32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & ~f32_sign;
  if (magnitude > f32_infinity) {
    return static_cast<std::uint16_t>(sign | 0x7C00u | (f32_quieted(magnitude) >> 13 & 0x3FFu));
  }
  if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity
    return static_cast<std::uint16_t>(sign | 0x7C00u);
  }
  std::uint32_t fraction = magnitude;
  unsigned drop = 13;
  if (magnitude < 0x38800000u) {  // below 2^-14: subnormal in f16
    if (magnitude < 0x33000000u) return static_cast<std::uint16_t>(sign);  // below 2^-25
    fraction = (magnitude & 0x7FFFFFu) | 0x800000u;
    drop = 126 - (magnitude >> 23);
  } else {
    fraction -= 112u << 23;  // from bias 127 to bias 15
  }
  const std::uint32_t half = (1u << (drop - 1)) - 1 + ((fraction >> drop) & 1u);
  return static_cast<std::uint16_t>(sign | ((fraction + half) >> drop));
}

}  // namespace plimsoll::codecs
