#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace plimsoll::codecs::ggml {

// MXFP4: a power of two and 32 E2M1 numbers. NVFP4: four eight-bit scales and 64 E2M1 numbers, 16 a
// scale. See EncodeBlocks in encode_widened.hpp; importance is ignored.

inline constexpr std::size_t mxfp4_elements = 32;
inline constexpr std::size_t mxfp4_bytes = 17;
inline constexpr std::size_t nvfp4_elements = 64;
inline constexpr std::size_t nvfp4_bytes = 36;
inline constexpr std::size_t nvfp4_elements_of_scale = 16;

/// Twice the E2M1 numbers of the codes 0 to 7; codes from 8 on are their negatives.
inline constexpr std::array<float, 8> fp4_doubles = {0, 1, 2, 3, 4, 6, 8, 12};

/// The exponent byte of a MXFP4 block whose largest magnitude is `largest`, and half of what it
/// stands for.
[[nodiscard]] std::uint8_t mxfp4_exponent(float largest) noexcept;
[[nodiscard]] float mxfp4_half_scale(std::uint8_t exponent) noexcept;

/// The scale byte of NVFP4 elements whose largest magnitude is `largest`, and half of what it
/// stands for.
[[nodiscard]] std::uint8_t nvfp4_scale(float largest) noexcept;
[[nodiscard]] float nvfp4_half_scale(std::uint8_t scale) noexcept;

void encode_mxfp4(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_mxfp4_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

void encode_nvfp4(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_nvfp4_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
