#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace plimsoll::codecs::ggml {

/// Added to a number below 2^22 in magnitude, leaves its nearest integer in the low bits of the
/// sum.
inline constexpr float integer_maker = 12582912.0f;  // 1.5 * 2^23

/// The nearest integer, half to even. A larger number gives some integer of 23 bits, the same one
/// as in ggml; that of NaN depends on its payload.
inline std::int32_t nearest_int(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + integer_maker);
  return static_cast<std::int32_t>(bits & 0x7FFFFFu) - 0x400000;
}

inline std::int32_t nearest_int_within(float value, std::int32_t low, std::int32_t high) {
  return std::clamp(nearest_int(value), low, high);
}

}  // namespace plimsoll::codecs::ggml
