#pragma once

#include <cstddef>

namespace plimsoll::codecs::ggml {

// Q1_0: a scale, the mean magnitude, and a sign an element. Q2_0: a scale, the largest magnitude,
// and the nearest of -1, 0 and 1 times it, in two bits. See EncodeBlocks in encode_widened.hpp;
// importance is ignored.

inline constexpr std::size_t q1_elements = 128;  ///< of a block
inline constexpr std::size_t q1_bytes = 18;
inline constexpr std::size_t q2_elements = 64;
inline constexpr std::size_t q2_bytes = 18;

void encode_q1_0(const float* elements, const float* importance, std::size_t blocks,
                 std::byte* to) noexcept;
void encode_q1_0_scalar(const float* elements, const float* importance, std::size_t blocks,
                        std::byte* to) noexcept;

void encode_q2_0(const float* elements, const float* importance, std::size_t blocks,
                 std::byte* to) noexcept;
void encode_q2_0_scalar(const float* elements, const float* importance, std::size_t blocks,
                        std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
