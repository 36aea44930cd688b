#include "codecs/ggml/encode_iq_runs.hpp"

#include <bit>
#include <cmath>

#include "codecs/float_bits.hpp"
#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_rounding.hpp"

namespace plimsoll::codecs::ggml {
namespace {

bool all_finite(const float* numbers) {
  std::uint32_t finite = 1;
  for (std::size_t i = 0; i < iq_elements; ++i) {
    finite &= (std::bit_cast<std::uint32_t>(numbers[i]) & f32_infinity) != f32_infinity ? 1u : 0u;
  }
  return finite != 0;
}

}  // namespace

void IqSignedFit::make_positive() noexcept {
  if (fit.scale < 0.0f) {
    fit.scale = -fit.scale;
    for (std::uint32_t& byte : signs) byte = ~byte;
  }
  if (!(fit.scale >= 0.0f)) fit.scale = 0.0f;
}

bool iq_all_finite(const float* elements, const float* importance) noexcept {
  return all_finite(elements) && (importance == nullptr || all_finite(importance));
}

float iq_square_sum(const float* elements) noexcept {
  float sum = 0.0f;
  for (std::size_t i = 0; i < iq_elements; ++i) sum += elements[i] * elements[i];
  return sum;
}

void iq_weigh(const float* elements, const float* importance, float spread, float plain,
              std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const float square = elements[i] * elements[i];
    weights[i] =
        importance != nullptr ? importance[i] * std::sqrt(spread + square) : plain + square;
  }
}

void iq_weigh_run(const float* elements, const float* importance, float spread, float plain,
                  std::size_t count, IqRun& run) noexcept {
  iq_weigh(elements, importance, spread, plain, count, run.weights.data());
  for (std::size_t i = 0; i < count; ++i) run.weight_roots[i] = std::sqrt(run.weights[i]);
}

std::uint32_t iq_take_signs(const float* elements, float* magnitudes) noexcept {
  std::uint32_t signs = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const bool positive = elements[i] >= 0.0f;
    magnitudes[i] = positive ? elements[i] : -elements[i];
    signs |= positive ? 0u : 1u << i;
  }
  return signs;
}

std::uint32_t iq_take_even_signs(const float* elements, const float* weights,
                                 float* magnitudes) noexcept {
  std::uint32_t signs = iq_take_signs(elements, magnitudes);
  if (std::popcount(signs) % 2 != 0) {
    std::size_t cheapest = 0;
    float least = weights[0] * elements[0] * elements[0];
    for (std::size_t i = 1; i < 8; ++i) {
      const float cost = weights[i] * elements[i] * elements[i];
      if (cost < least) {
        least = cost;
        cheapest = i;
      }
    }
    magnitudes[cheapest] = -magnitudes[cheapest];
    signs ^= 1u << cheapest;
  }
  return signs & 127u;
}

float iq_largest(const float* magnitudes, std::size_t count) noexcept {
  float largest = magnitudes[0];
  for (std::size_t i = 1; i < count; ++i) {
    if (!(largest > magnitudes[i])) largest = magnitudes[i];
  }
  return largest;
}

IqScales iq_scales_of(const float* scales, std::size_t count, float steps,
                      std::int32_t highest) noexcept {
  IqScales result;
  for (std::size_t i = 0; i < count; ++i) {
    if (scales[i] > result.largest) result.largest = scales[i];
  }
  if (result.largest == 0.0f) return result;
  result.scale = result.largest / steps;
  const float inverse = 1.0f / result.scale;
  for (std::size_t i = 0; i < count; ++i) {
    const float scaled = 0.5f * (inverse * scales[i] - 1.0f);
    result.codes[i] = static_cast<std::uint8_t>(nearest_int_within(scaled, 0, highest));
  }
  return result;
}

void iq_store_scale_codes(const IqScales& scales, std::size_t count, std::byte* to) noexcept {
  for (std::size_t i = 0; i < count; i += 2) {
    store_u8(to + i / 2, scales.codes[i] | std::uint32_t{scales.codes[i + 1]} << 4);
  }
}

}  // namespace plimsoll::codecs::ggml
