#include "codecs/fp8_recipe.hpp"

#include <array>

namespace plimsoll::codecs {
namespace {

constexpr std::uint32_t fraction_mask = 0x7FFFFFu;
constexpr int bias = 127;

float power_of_two(int exponent) {  // -126..127
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + bias) << 23);
}

/// ceil(log2(value)), by the bits: any excess over a power of two counts. For normal numbers.
int exact_ceil_log2(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<int>(bits >> 23) - bias + ((bits & fraction_mask) != 0 ? 1 : 0);
}

/// How many ulps above 2^k a number may be for its log2, rounded to fp32, to be k. One ulp above
/// adds 1.44 * 2^-23 to the logarithm, which is lost below half the distance between the fp32
/// numbers next to k: 2^(f-24), where 2^f <= |k| < 2^(f+1). Below a power of two that distance
/// halves, and there lie the logarithms that exceed a k of -2^f.
std::uint32_t ulps_lost(int k) {
  static constexpr std::array<std::uint8_t, 7> lost = {0, 0, 1, 2, 5, 11, 22};  // 2^(f-1) ln 2
  if (k == 0) return 0;
  const auto magnitude = static_cast<unsigned>(k < 0 ? -k : k);
  const int f = std::bit_width(magnitude) - 1;
  if (k < 0 && std::has_single_bit(magnitude)) return f == 0 ? 0 : lost[f - 1];
  return lost[f];
}

/// ceil(log2(value)) with the logarithm rounded to fp32. For normal numbers.
int rounded_ceil_log2(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const int floor = static_cast<int>(bits >> 23) - bias;
  return floor + ((bits & fraction_mask) > ulps_lost(floor) ? 1 : 0);
}

/// `multiplier` as E8M0 and 1 / that power; `exponent` is that of a finite multiplier.
template <class CeilLog2>
Fp8TileScale as_power_of_two(float multiplier, CeilLog2 ceil_log2) {
  constexpr float smallest = std::numeric_limits<float>::min();
  if (!std::isfinite(multiplier)) {
    return {multiplier, 0xFF, 1.0f / multiplier, false};
  }
  const int exponent = ceil_log2(multiplier < smallest ? smallest : multiplier);
  return {power_of_two(exponent), static_cast<std::uint8_t>(exponent + bias),
          power_of_two(-exponent), false};
}

}  // namespace

Fp8TileScale fp8_tile_scale(float amax, Fp8Recipe recipe, Fp8Scale scale) {
  const bool ue8m0 = scale == Fp8Scale::ue8m0;
  switch (recipe) {
    case Fp8Recipe::finegrained: {
      const float stored = amax > 0.0f ? amax / e4m3_max : 1.0f;
      if (ue8m0) return as_power_of_two(stored, rounded_ceil_log2);
      return {stored, 0, stored, true};
    }
    case Fp8Recipe::transformers: {
      const float factor = amax > 0.0f ? (1.0f / amax) * e4m3_max : 1.0f;
      const float stored = 1.0f / factor;
      if (!ue8m0) return {stored, 0, factor, false};
      Fp8TileScale power = as_power_of_two(stored, rounded_ceil_log2);
      // Read back from its byte, where there is no infinity.
      if (std::isinf(stored)) power.operand = std::numeric_limits<float>::quiet_NaN();
      return power;
    }
    default: {
      constexpr float floor = 1e-4f;
      float stored = (amax < floor ? floor : amax) / e4m3_max;
      if (std::isnan(stored)) stored = std::numeric_limits<float>::quiet_NaN();
      if (ue8m0) return as_power_of_two(stored, exact_ceil_log2);
      return {stored, 0, 1.0f / stored, false};
    }
  }
}

}  // namespace plimsoll::codecs
