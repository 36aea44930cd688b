#include <array>
#include <cmath>

#include "codecs/ggml/encode_iq2.hpp"
#include "codecs/ggml/encode_rounding.hpp"

namespace plimsoll::codecs::ggml {
namespace {

constexpr std::size_t elements = Iq2XxsSearch::elements;
constexpr std::int32_t highest = 4;

/// A level is kept in a byte, where one below 0 wraps around: ggml's search goes on from those.
using Levels = std::array<std::uint8_t, elements>;

std::int32_t level_of(float scaled) {
  return std::min(nearest_int(scaled), highest);
}

float error_of(const IqRun& run, float inverse, float scale) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < elements; ++i) {
    const auto level = static_cast<float>(level_of(inverse * run.magnitudes[i]));
    const float error = run.magnitudes[i] - scale * level;
    sum += run.weights[i] * error * error;
  }
  return sum;
}

/// The first of the scales with the least error, as its inverse.
float best_inverse(const IqRun& run, float largest) {
  float best = static_cast<float>(highest) / largest;
  float least = 0.0f;
  for (std::size_t i = 0; i < elements; ++i) {
    const auto level = static_cast<std::uint8_t>(nearest_int(best * run.magnitudes[i]));
    const float error = run.magnitudes[i] - 1.0f / best * static_cast<float>(level);
    least += run.weights[i] * error * error;
  }
  for (int i = -4; i <= 4; ++i) {
    if (i == 0) continue;
    const float inverse = (0.1f * static_cast<float>(i) + static_cast<float>(highest)) / largest;
    const float error = error_of(run, inverse, 1.0f / inverse);
    if (error < least) {
      least = error;
      best = inverse;
    }
  }
  return best;
}

struct Sums {
  float lx = 0.0f;  // weighted: levels times magnitudes
  float ll = 0.0f;  // weighted: levels squared
};

/// Moves every level to where it is best if the others stay. Whether any moved.
bool improve(const IqRun& run, Levels& levels, Sums& sums) {
  bool moved = false;
  for (std::size_t i = 0; i < elements; ++i) {
    const float weight = run.weights[i];
    const float magnitude = run.magnitudes[i];
    const auto old = static_cast<float>(levels[i]);
    Sums others = {sums.lx - weight * magnitude * old, sums.ll - weight * old * old};
    if (!(others.lx > 0.0f && others.ll > 0.0f)) continue;
    const std::int32_t level = level_of(magnitude * others.ll / others.lx);
    if (level == levels[i]) continue;
    others.lx += weight * magnitude * static_cast<float>(level);
    others.ll += weight * static_cast<float>(level) * static_cast<float>(level);
    if (others.lx * others.lx * sums.ll > sums.lx * sums.lx * others.ll) {
      levels[i] = static_cast<std::uint8_t>(level);
      sums = others;
      moved = true;
    }
  }
  return moved;
}

}  // namespace

float iq2_level_scale(const IqRun& run, float largest) {
  const float inverse = best_inverse(run, largest);
  Levels levels;
  Sums sums;
  for (std::size_t i = 0; i < elements; ++i) {
    const std::int32_t level = level_of(inverse * run.magnitudes[i]);
    levels[i] = static_cast<std::uint8_t>(level);
    sums.lx += run.weights[i] * run.magnitudes[i] * static_cast<float>(level);
    sums.ll += run.weights[i] * static_cast<float>(level) * static_cast<float>(level);
  }
  for (int pass = 0; pass < 5 && improve(run, levels, sums); ++pass) {
  }
  return sums.ll > 0.0f ? sums.lx / sums.ll : 0.0f;
}

}  // namespace plimsoll::codecs::ggml
