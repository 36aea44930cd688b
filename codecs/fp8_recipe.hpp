#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "codecs/float8.hpp"
#include "codecs/format.hpp"

namespace plimsoll::codecs {

/// A tile's scale: what is stored, and what the elements meet.
struct Fp8TileScale {
  float stored = 1.0f;        ///< the multiplier as fp32
  std::uint8_t exponent = 0;  ///< the same as E8M0; only for Fp8Scale::ue8m0
  float operand = 1.0f;       ///< x / operand or x * operand becomes a code
  bool divides = false;
};

/// By the recipe, from the tile's largest magnitude (NaN if the tile holds one).
[[nodiscard]] Fp8TileScale fp8_tile_scale(float amax, Fp8Recipe recipe, Fp8Scale scale);

/// Writes a scale as it is stored, `index` scales after `scales`.
inline void fp8_store_scale(const Fp8TileScale& scale, Fp8Scale kind, std::byte* scales,
                            std::size_t index) {
  if (kind == Fp8Scale::ue8m0) {
    scales[index] = static_cast<std::byte>(scale.exponent);
  } else {
    std::memcpy(scales + index * sizeof(float), &scale.stored, sizeof(float));
  }
}

/// The code of an element. Scales have no sign: it is the element's, also of a NaN.
[[nodiscard]] inline std::uint8_t fp8_code(float element, float operand, bool divides) {
  const float magnitude = std::abs(element);
  const float scaled = divides ? magnitude / operand : magnitude * operand;
  const auto sign = static_cast<std::uint8_t>(std::signbit(element) ? 0x80u : 0u);
  if (scaled != scaled) return sign | 0x7Fu;
  return sign | e4m3_from_magnitude(scaled < e4m3_max ? scaled : e4m3_max);
}

}  // namespace plimsoll::codecs
