#pragma once

#include <cstddef>

namespace plimsoll::codecs::ggml {

// IQ3_XXS and IQ3_S: four magnitudes of eight levels are a point of a grid, whose signs are stored
// apart. See EncodeBlocks in encode_widened.hpp; importance is used.

void encode_iq3_xxs(const float* elements, const float* importance, std::size_t blocks,
                    std::byte* to) noexcept;
void encode_iq3_xxs_scalar(const float* elements, const float* importance, std::size_t blocks,
                           std::byte* to) noexcept;

void encode_iq3_s(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_iq3_s_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
