#pragma once

#include <cstddef>

namespace plimsoll::codecs::ggml {

// Q1_0: a scale, the mean magnitude, and a sign an element. Q2_0: a scale, the largest magnitude,
// and the nearest of -1, 0 and 1 times it, in two bits. See EncodeBlocks in encode_table.hpp;
// importance is ignored.

void encode_q1_0(const float* elements, const float* importance, std::size_t blocks,
                 std::byte* to) noexcept;
void encode_q1_0_scalar(const float* elements, const float* importance, std::size_t blocks,
                        std::byte* to) noexcept;

void encode_q2_0(const float* elements, const float* importance, std::size_t blocks,
                 std::byte* to) noexcept;
void encode_q2_0_scalar(const float* elements, const float* importance, std::size_t blocks,
                        std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
