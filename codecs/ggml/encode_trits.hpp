#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs::ggml {

/// 0, 1 or 2 for the nearest of -1, 0 and 1 to a number that was scaled to that range, halves away
/// from zero. A scale whose inverse overflowed makes infinities and NaN: those give
/// `of_no_number`.
inline std::uint32_t trit_of(float scaled, std::uint32_t of_no_number) {
  if (!(std::abs(scaled) <= 2.0f)) return of_no_number;
  return 1u + (scaled >= 0.5f ? 1u : 0u) - (scaled <= -0.5f ? 1u : 0u);
}

/// The scale of a block, its largest magnitude, from bits that are those of infinity or above if an
/// element is not finite.
struct TritScale {
  explicit TritScale(std::uint32_t bits)
      : value(std::bit_cast<float>(bits)),
        inverse(bits != 0 ? 1.0f / value : 0.0f),
        ordinary(bits == 0 || (bits >= 1u << 23 && bits < f32_infinity)) {}

  float value;
  float inverse;
  bool ordinary;  ///< no element times the inverse is NaN or infinite
};

}  // namespace plimsoll::codecs::ggml
