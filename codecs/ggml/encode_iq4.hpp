#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/ggml/iq_grids.hpp"

namespace plimsoll::codecs::ggml {

// IQ4_NL and IQ4_XS: scales of 32 elements, and the nearest of 16 unevenly spaced values times the
// scale. 16 scales are tried, and the one with the least weighted error is kept. See EncodeBlocks
// in encode_widened.hpp; importance is used.

inline constexpr std::size_t iq4_run = 32;  // elements of a scale
inline constexpr std::size_t iq4_nl_bytes = 18;
inline constexpr std::size_t iq4_xs_runs = 8;
inline constexpr std::size_t iq4_xs_elements = iq4_xs_runs * iq4_run;
inline constexpr std::size_t iq4_xs_bytes = 136;

inline constexpr int iq4_first_value = -127;
static_assert(iq4_first_value == iq4_values[0]);

/// Scales are tried that bring the largest element to one of so many integers on either side of the
/// first value.
inline constexpr int iq4_tries = 7;

/// Elements of a lesser largest magnitude get the scale 0.
inline constexpr float iq4_least_magnitude = 1e-15f;

/// From which number on the next value is the nearest. A number's code is the count of those that
/// it is not below; that of NaN is 15.
inline constexpr std::array<float, 15> iq4_thresholds = [] {
  std::array<float, 15> thresholds{};
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    thresholds[i] = 0.5f * static_cast<float>(iq4_values[i] + iq4_values[i + 1]);
  }
  return thresholds;
}();

/// A number that comes nearer to 0 by as much as the trials bring it, from the first to the last,
/// passes at most one threshold.
static_assert([] {
  for (std::size_t i = 0; i + 1 < iq4_thresholds.size(); ++i) {
    const float left = iq4_thresholds[i];
    const float right = iq4_thresholds[i + 1];
    const float far = left < 0.0f ? -left : right;
    const float near = left < 0.0f ? -right : left;
    constexpr int first = -iq4_first_value;
    if (far * (first - iq4_tries) <= near * (first + iq4_tries)) return false;
  }
  return true;
}());

/// The scale of an IQ4_XS block, and the multiples of it, from -32 to 31, that its runs have.
struct Iq4XsScales {
  float scale = 0.0f;
  std::array<std::int32_t, iq4_xs_runs> multiples{};
};
[[nodiscard]] Iq4XsScales iq4_xs_scales_of(const std::array<float, iq4_xs_runs>& scales) noexcept;

/// What elements are multiplied by before they are coded.
[[nodiscard]] inline float iq4_inverse_of(float scale) noexcept {
  return scale != 0.0f ? 1.0f / scale : 0.0f;
}

/// Everything of an IQ4_XS block but its codes: the first eight bytes.
void iq4_xs_store_scales(const Iq4XsScales& scales, std::byte* to) noexcept;

void encode_iq4_nl(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) noexcept;
void encode_iq4_nl_scalar(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) noexcept;

void encode_iq4_xs(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) noexcept;
void encode_iq4_xs_scalar(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
