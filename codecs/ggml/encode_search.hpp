#pragma once

#include <cstdint>
#include <span>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs::ggml {

// How ggml's quantizers find the scales of a sub-block: the scalar definitions. A search looks for
// the scale that leaves the least weighted error; its sums are made element by element in fp32, in
// order, each product and sum rounded. The order is part of the result.
//
// Of sums that are NaN no search crashes or loops; it then keeps what it had.

/// The f16 nearest to a scale. One for every NaN: that which x86 makes where sums overflow.
[[nodiscard]] constexpr std::uint16_t f16_scale(float scale) noexcept {
  return scale == scale ? f16_from_f32(scale) : std::uint16_t{0xFE00};
}

/// Peaks below it make a sub-block of zeros.
inline constexpr float least_peak = 1e-15f;

/// A search for a scale and a minimum: codes 0 to `largest`, and for k from 0 to `last` the inverse
/// scale (first + step * k + largest) / (maximum - minimum). The minimum is the best one so far.
struct AffineSearch {
  int largest = 0;
  float first = 0;
  float step = 0;
  int last = 0;
  bool absolute = false;  ///< errors count as they are, not squared
};

/// Elements are about scale * code - drop.
struct Affine {
  float scale = 0;
  float drop = 0;
};

/// Writes a code an element. Where all elements are the same, and none is positive, the scale is 0.
Affine search_affine(const AffineSearch& search, std::span<const float> elements,
                     const float* weights, std::uint8_t* codes) noexcept;

/// Finds the scale of codes from -half to half - 1, which are written with `half` added. All codes
/// are 0, without that, where every magnitude is below least_peak.
float search_symmetric(int half, std::span<const float> elements, const float* weights,
                       std::uint8_t* codes) noexcept;

/// The same by changing one code at a time as long as that is better, in at most five rounds. The
/// weights are the squares of the elements.
float descend_symmetric(int half, std::span<const float> elements, std::uint8_t* codes) noexcept;

/// Finds the scale of codes from 0 to `largest` for numbers that are not negative: scales and
/// minima of sub-blocks.
float search_positive(int largest, std::span<const float> elements, const float* weights,
                      std::uint8_t* codes) noexcept;

}  // namespace plimsoll::codecs::ggml
