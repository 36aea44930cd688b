#pragma once

#include <cmath>
#include <cstdint>

namespace plimsoll::codecs::ggml {

/// 0, 1 or 2 for the nearest of -1, 0 and 1 to a number that was scaled to that range, halves away
/// from zero. A scale whose inverse overflowed makes infinities and NaN: those give
/// `of_no_number`.
inline std::uint32_t trit_of(float scaled, std::uint32_t of_no_number) {
  if (!(std::abs(scaled) <= 2.0f)) return of_no_number;
  return 1u + (scaled >= 0.5f ? 1u : 0u) - (scaled <= -0.5f ? 1u : 0u);
}

}  // namespace plimsoll::codecs::ggml
