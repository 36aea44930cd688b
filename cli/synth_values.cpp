#include "cli/synth_values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

namespace plimsoll::cli {
namespace {

constexpr std::size_t quantile_count = 65536;
using Quantiles = std::array<std::uint16_t, quantile_count>;

constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15u;

/// One step of the SplitMix64 generator: mixes all bits of `state`.
std::uint64_t mixed(std::uint64_t state) noexcept {
  state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
  state = (state ^ state >> 27) * 0x94d049bb133111ebu;
  return state ^ state >> 31;
}

/// Nearest BF16, ties to even; only for finite values.
std::uint16_t bf16_of(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// BF16 of mean + deviation * z at the quantiles (i + 1/2) / 65536 of the normal distribution.
///
/// Walks up the half z > 0 and adds up the density, which follows itself from step to step by two
/// multiplications: exp(-(z+h)^2/2) = exp(-z^2/2) * exp(-zh - h^2/2). The library's exp and log may
/// differ in the last bit from machine to machine; these operations do not.
std::unique_ptr<const Quantiles> make_quantiles(float mean, float deviation) {
  constexpr double step = 1.0 / 65536;
  constexpr double half_square = 1.1641532182693481e-10;  // step^2 / 2
  // exp(-step^2/2) and its square, by the series: what follows is far below a double's last bit.
  constexpr double first_ratio = 1 - half_square + half_square * half_square / 2;
  constexpr double ratio_of_ratios = first_ratio * first_ratio;
  constexpr double density_at_zero = 0.3989422804014327;

  auto quantiles = std::make_unique<Quantiles>();
  double z = 0;
  double density = density_at_zero;
  double ratio = first_ratio;
  double below = 0.5;
  for (std::size_t i = quantile_count / 2; i < quantile_count; ++i) {
    const double wanted = (static_cast<double>(i) + 0.5) / quantile_count;
    while (below < wanted) {
      const double next_density = density * ratio;
      ratio *= ratio_of_ratios;
      below += (density + next_density) / 2 * step;
      density = next_density;
      z += step;
    }
    const auto distance = static_cast<float>(z) * deviation;
    (*quantiles)[i] = bf16_of(mean + distance);
    (*quantiles)[quantile_count - 1 - i] = bf16_of(mean - distance);
  }
  return quantiles;
}

const Quantiles& quantiles_of(SynthValues values) {
  if (values == SynthValues::norm) {
    static const auto norm = make_quantiles(1.0f, 0.05f);
    return *norm;
  }
  if (values == SynthValues::scale) {
    static const auto scale = make_quantiles(1e-3f, 1e-4f);
    return *scale;
  }
  static const auto weight = make_quantiles(0.0f, 0.02f);
  return *weight;
}

void fill_chunk(const Quantiles& quantiles, std::uint64_t state, std::span<std::uint16_t> out) {
  std::size_t i = 0;
  for (; i + 4 <= out.size(); i += 4) {
    const std::uint64_t random = mixed(state += golden_gamma);
    out[i] = quantiles[random & 0xffff];
    out[i + 1] = quantiles[random >> 16 & 0xffff];
    out[i + 2] = quantiles[random >> 32 & 0xffff];
    out[i + 3] = quantiles[random >> 48];
  }
  for (std::uint64_t random = mixed(state + golden_gamma); i < out.size(); ++i, random >>= 16) {
    out[i] = quantiles[random & 0xffff];
  }
}

void fill_chunk(const Quantiles& quantiles, std::uint64_t state, std::span<float> out) {
  for (float& value : out) {
    const std::uint64_t random = mixed(state += golden_gamma);
    const std::uint32_t upper = quantiles[random & 0xffff];
    value = std::bit_cast<float>(upper << 16 | static_cast<std::uint32_t>(random >> 48));
  }
}

void fill_chunk(std::uint64_t state, std::span<std::uint8_t> out) {
  std::uint64_t random = 0;
  for (std::size_t i = 0; i < out.size(); ++i, random >>= 8) {
    if (i % 8 == 0) random = mixed(state += golden_gamma);
    const auto code = static_cast<std::uint8_t>(random);
    // 0x7f and 0xff are no numbers; zero is one of those that take their place.
    out[i] = (code & 0x7f) == 0x7f ? 0 : code;
  }
}

/// Cuts `out` into chunks and has each filled from its own random state.
template <class Value, class Fill>
void fill_chunks(std::uint64_t stream, std::uint64_t first_chunk, std::span<Value> out,
                 const Fill& fill) {
  for (std::uint64_t chunk = first_chunk; !out.empty(); ++chunk) {
    const auto part = out.first(std::min(out.size(), synth_chunk_values));
    fill(mixed(stream + mixed(chunk + golden_gamma)), part);
    out = out.subspan(part.size());
  }
}

}  // namespace

std::uint64_t synth_stream(std::uint64_t seed, std::string_view tensor) noexcept {
  std::uint64_t hash = mixed(seed + golden_gamma);
  for (const char c : tensor) hash = mixed(hash + golden_gamma + static_cast<unsigned char>(c));
  return hash;
}

void fill_synth_values(SynthValues values, std::uint64_t stream, std::uint64_t first_chunk,
                       std::span<std::uint16_t> out) {
  const Quantiles& quantiles = quantiles_of(values);
  fill_chunks(stream, first_chunk, out, [&](std::uint64_t state, std::span<std::uint16_t> part) {
    fill_chunk(quantiles, state, part);
  });
}

void fill_synth_values(SynthValues values, std::uint64_t stream, std::uint64_t first_chunk,
                       std::span<float> out) {
  const Quantiles& quantiles = quantiles_of(values);
  fill_chunks(stream, first_chunk, out, [&](std::uint64_t state, std::span<float> part) {
    fill_chunk(quantiles, state, part);
  });
}

void fill_synth_codes(std::uint64_t stream, std::uint64_t first_chunk,
                      std::span<std::uint8_t> out) {
  fill_chunks(stream, first_chunk, out,
              [](std::uint64_t state, std::span<std::uint8_t> part) { fill_chunk(state, part); });
}

}  // namespace plimsoll::cli
