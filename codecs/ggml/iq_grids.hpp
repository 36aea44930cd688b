#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace plimsoll::codecs::ggml {

// The code books of the IQ types: points of a grid, each some consecutive elements, from the least
// significant byte on. A code is a point's index. Made at compile time; constants of the program.
// Source: ggml v0.21, whose codes these are.

/// Magnitudes of eight elements: 8, 25 or 43.
extern const std::array<std::uint64_t, 256> iq2_xxs_grid;
extern const std::array<std::uint64_t, 512> iq2_xs_grid;
extern const std::array<std::uint64_t, 1024> iq2_s_grid;

/// Magnitudes of four elements: 4, 12, ... 52, 62.
extern const std::array<std::uint32_t, 256> iq3_xxs_grid;

/// Magnitudes of four elements: odd, from 1 to 15.
extern const std::array<std::uint32_t, 512> iq3_s_grid;

/// Eight elements of IQ1_S and IQ1_M, as signed bytes: -1, 0 or 1.
extern const std::array<std::uint64_t, 2048> iq1_grid;

/// The signs of eight elements, a bit each, that a 7-bit code of IQ2_XXS, IQ2_XS or IQ3_XXS stands
/// for: an even number of them is set.
[[nodiscard]] constexpr std::uint8_t iq_signs(std::uint8_t code) {
  const unsigned parity = static_cast<unsigned>(std::popcount(code)) & 1u;
  return static_cast<std::uint8_t>(code | parity << 7);
}

/// What the 4-bit codes of IQ4_NL and IQ4_XS stand for.
inline constexpr std::array<std::int8_t, 16> iq4_values = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};

}  // namespace plimsoll::codecs::ggml
