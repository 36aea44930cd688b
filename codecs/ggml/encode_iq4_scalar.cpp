#include <cmath>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_iq4.hpp"
#include "codecs/ggml/encode_rounding.hpp"

namespace plimsoll::codecs::ggml {
namespace {

std::uint32_t code_of(float scaled) {
  std::uint32_t code = 0;
  for (const float threshold : iq4_thresholds) code += scaled < threshold ? 0u : 1u;
  return code;
}

/// Twice the mean square.
float spread_of(const float* elements, std::size_t count) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < count; ++i) sum += elements[i] * elements[i];
  return sum * (2.0f / static_cast<float>(count));
}

using Weights = std::array<float, iq4_run>;

Weights weights_of(const float* elements, const float* importance, float spread) {
  Weights weights;
  for (std::size_t i = 0; i < iq4_run; ++i) {
    const float square = elements[i] * elements[i];
    weights[i] = importance != nullptr ? importance[i] * std::sqrt(spread + square) : square;
  }
  return weights;
}

struct Sums {
  float qx = 0.0f;  // weighted: values times elements
  float qq = 0.0f;  // weighted: values squared
};

Sums sums_at(const float* elements, const Weights& weights, float inverse) {
  Sums sums;
  for (std::size_t i = 0; i < iq4_run; ++i) {
    const auto value = static_cast<float>(iq4_values[code_of(inverse * elements[i])]);
    sums.qx += weights[i] * value * elements[i];
    sums.qq += weights[i] * value * value;
  }
  return sums;
}

/// The element of the largest magnitude, the first of equals.
float extreme_of(const float* elements) {
  float magnitude = 0.0f;
  float extreme = 0.0f;
  for (std::size_t i = 0; i < iq4_run; ++i) {
    if (std::abs(elements[i]) > magnitude) {
      magnitude = std::abs(elements[i]);
      extreme = elements[i];
    }
  }
  return extreme;
}

float find_scale(const float* elements, const float* importance, float spread) {
  const float extreme = extreme_of(elements);
  if (std::abs(extreme) < iq4_least_magnitude) return 0.0f;
  const Weights weights = weights_of(elements, importance, spread);
  const Sums start =
      sums_at(elements, weights, 1.0f / (-extreme / static_cast<float>(iq4_first_value)));
  float scale = start.qq > 0.0f ? start.qx / start.qq : 0.0f;
  float best = scale * start.qx;
  for (int i = -iq4_tries; i <= iq4_tries; ++i) {
    const Sums sums = sums_at(elements, weights, static_cast<float>(i + iq4_first_value) / extreme);
    if (sums.qq > 0.0f && sums.qx * sums.qx > best * sums.qq) {
      scale = sums.qx / sums.qq;
      best = scale * sums.qx;
    }
  }
  return scale;
}

/// The low nibbles are those of the first half.
void pack_codes(const float* elements, float inverse, std::byte* to) {
  for (std::size_t i = 0; i < iq4_run / 2; ++i) {
    const std::uint32_t low = code_of(inverse * elements[i]);
    const std::uint32_t high = code_of(inverse * elements[iq4_run / 2 + i]);
    store_u8(to + i, low | high << 4);
  }
}

void encode_iq4_xs_block(const float* elements, const float* importance, std::byte* to) {
  const float spread = spread_of(elements, iq4_xs_elements);
  std::array<float, iq4_xs_runs> found;
  for (std::size_t run = 0; run < iq4_xs_runs; ++run) {
    const float* weights = importance != nullptr ? importance + run * iq4_run : nullptr;
    found[run] = find_scale(elements + run * iq4_run, weights, spread);
  }
  const Iq4XsScales scales = iq4_xs_scales_of(found);
  iq4_xs_store_scales(scales, to);
  for (std::size_t run = 0; run < iq4_xs_runs; ++run) {
    const float scale = scales.scale * static_cast<float>(scales.multiples[run]);
    pack_codes(elements + run * iq4_run, iq4_inverse_of(scale), to + 8 + run * iq4_run / 2);
  }
}

}  // namespace

Iq4XsScales iq4_xs_scales_of(const std::array<float, iq4_xs_runs>& scales) noexcept {
  float extreme = 0.0f;
  for (const float scale : scales) {
    if (std::abs(scale) > std::abs(extreme)) extreme = scale;
  }
  Iq4XsScales result;
  result.scale = -extreme / 32.0f;
  const float inverse = iq4_inverse_of(result.scale);
  for (std::size_t run = 0; run < iq4_xs_runs; ++run) {
    result.multiples[run] = nearest_int_within(inverse * scales[run], -32, 31);
  }
  return result;
}

void iq4_xs_store_scales(const Iq4XsScales& scales, std::byte* to) noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  for (std::size_t run = 0; run < iq4_xs_runs; ++run) {
    const auto bits = static_cast<std::uint32_t>(scales.multiples[run] + 32);
    low |= (bits & 15u) << 4 * run;
    high |= bits >> 4 << 2 * run;
  }
  store_f16(to, scales.scale);
  store_u16(to + 2, high);
  store_u32(to + 4, low);
}

void encode_iq4_nl_scalar(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    const float* from = elements + block * iq4_run;
    const float* weights = importance != nullptr ? importance + block * iq4_run : nullptr;
    const float scale = find_scale(from, weights, spread_of(from, iq4_run));
    store_f16(to + block * iq4_nl_bytes, scale);
    pack_codes(from, iq4_inverse_of(scale), to + block * iq4_nl_bytes + 2);
  }
}

void encode_iq4_xs_scalar(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t first = block * iq4_xs_elements;
    encode_iq4_xs_block(elements + first, importance != nullptr ? importance + first : nullptr,
                        to + block * iq4_xs_bytes);
  }
}

}  // namespace plimsoll::codecs::ggml
