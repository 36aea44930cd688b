#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "codecs/ggml/iq_neighbours.hpp"

namespace plimsoll::codecs::ggml {

// IQ1_S and IQ1_M: eight elements of three levels are a point of a grid; the levels stand for -1, 0
// and 1 times a scale, all shifted up or down by an eighth. In a run of elements that share a scale
// each level has what lies between two others, so that all ways to split the sorted elements are
// tried. See EncodeBlocks in encode_widened.hpp. IQ1_S needs importance, IQ1_M uses it.

inline constexpr std::size_t iq1_s_run = 32;
inline constexpr std::size_t iq1_m_run = 16;

/// The values of the three levels, shifted up and shifted down.
using Iq1Values = std::array<float, 3>;
inline constexpr std::array<Iq1Values, 2> iq1_values = {Iq1Values{-0.875f, 0.125f, 1.125f},
                                                        Iq1Values{-1.125f, -0.125f, 0.875f}};

/// Where the sorted elements of a run are split: level 0 before `first`, 1 before `second`, 2 from
/// there on.
struct Iq1Split {
  bool found = false;  ///< false for weights and elements that give no positive sum
  std::size_t first = 0;
  std::size_t second = 0;
  std::uint32_t down =
      0;  ///< IQ1_S: 1 if shifted down; IQ1_M: 2 for the first eight, 1 for the last
  float scale = 0.0f;
};

/// The best split of a run of IQ1_S, given sums over the first 0, 1, ... 32 of its sorted elements.
struct Iq1Sums {
  alignas(64) std::array<float, 48> wx{};  ///< weights times elements; followed by zeros
  alignas(64) std::array<float, 48> w{};   ///< weights
};
[[nodiscard]] Iq1Split iq1_s_split(const Iq1Sums& sums);
[[nodiscard]] Iq1Split iq1_s_split_scalar(const Iq1Sums& sums);

/// The places of the elements of a run in ascending order, equal ones in the order in which they
/// stand. `count`: 16 or 32.
using Iq1Order = std::array<std::uint8_t, iq1_s_run>;
[[nodiscard]] Iq1Order iq1_order(const float* elements, std::size_t count);
[[nodiscard]] Iq1Order iq1_order_scalar(const float* elements, std::size_t count);

/// The best split of a run of IQ1_M.
[[nodiscard]] Iq1Split iq1_m_split(const float* elements, const float* weights,
                                   const Iq1Order& order);
[[nodiscard]] Iq1Split iq1_m_split_scalar(const float* elements, const float* weights,
                                          const Iq1Order& order);

/// Of points near a vector that is none, the first with the least weighted error.
[[nodiscard]] IqPoint iq1_nearest(std::span<const IqPoint> near, const float* elements,
                                  const float* weights, float scale, const Iq1Values& values);
[[nodiscard]] IqPoint iq1_nearest_scalar(std::span<const IqPoint> near, const float* elements,
                                         const float* weights, float scale,
                                         const Iq1Values& values);

void encode_iq1_s(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_iq1_s_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

void encode_iq1_m(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_iq1_m_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
