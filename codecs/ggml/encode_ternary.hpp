#pragma once

#include <cstddef>
#include <cstdint>

namespace plimsoll::codecs::ggml {

// TQ1_0 and TQ2_0: a scale, the largest magnitude of 256 elements, and the nearest of -1, 0 and 1
// times it: five to a byte, or four. See EncodeBlocks in encode_widened.hpp; importance is ignored.

inline constexpr std::size_t ternary_elements = 256;  ///< of a block
inline constexpr std::size_t tq1_bytes = 54;
inline constexpr std::size_t tq2_bytes = 66;

/// The byte of five trits, `digits` their number in base 3: its fixed-point fraction of 3^5,
/// rounded up, so that a decoder gets the digits one by one as it multiplies by 3.
[[nodiscard]] constexpr std::uint32_t tq1_byte(std::uint32_t digits) {
  return (digits * 256 + 242) / 243;
}

/// 2^24 / 243, rounded up: a multiplication and a shift by 24 bits do the division.
inline constexpr std::uint32_t tq1_reciprocal = 69043;
static_assert([] {
  for (std::uint32_t digits = 0; digits < 243; ++digits) {
    if ((digits * 256 + 242) * tq1_reciprocal >> 24 != tq1_byte(digits)) return false;
  }
  return true;
}());

void encode_tq1_0(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_tq1_0_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

void encode_tq2_0(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_tq2_0_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
