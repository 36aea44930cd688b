#include "codecs/ggml/encode_iq1.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_iq_runs.hpp"
#include "codecs/ggml/iq_grids.hpp"

namespace plimsoll::codecs::ggml {
namespace {

constexpr std::size_t s_bytes = 50;
constexpr std::size_t m_bytes = 56;
constexpr float least_magnitude_of_s = 1e-12f;  // runs below it get the scale 0
constexpr float least_magnitude_of_m = 1e-7f;

struct Functions {
  decltype(&iq1_order) order;
  decltype(&iq1_s_split) s_split;
  decltype(&iq1_m_split) m_split;
  decltype(&iq1_nearest) nearest;
};
constexpr Functions scalar_functions = {iq1_order_scalar, iq1_s_split_scalar, iq1_m_split_scalar,
                                        iq1_nearest_scalar};
constexpr Functions vector_functions = {iq1_order, iq1_s_split, iq1_m_split, iq1_nearest};

const Functions& functions_of(bool vectors) {
  return vectors ? vector_functions : scalar_functions;
}

float largest_magnitude(const float* elements, std::size_t count) {
  std::array<float, iq1_s_run> magnitudes;
  for (std::size_t i = 0; i < count; ++i) magnitudes[i] = std::abs(elements[i]);
  return iq_largest(magnitudes.data(), count);
}

/// What a run becomes. `down` is as in Iq1Split.
struct Fit {
  std::array<std::uint32_t, 4> codes{};
  std::uint32_t down = 0;
  float scale = 0.0f;
};

/// A run of `count` elements that was split: finds the points of its levels, and the scale.
template <std::size_t count>
class Coder {
 public:
  Coder(const float* elements, const float* weights, const Iq1Order& order, const Iq1Split& split)
      : elements_(elements), weights_(weights) {
    for (std::size_t i = 0; i < count; ++i) {
      levels_[order[i]] = i < split.first ? 0 : i < split.second ? 1 : 2;
    }
    fit_.scale = split.scale;
    fit_.down = split.down;
    if (fit_.scale < 0.0f) mirror();
  }

  Fit code(decltype(&iq1_nearest) nearest) {
    const IqNeighbours& grid = IqNeighbours::iq1();
    std::array<IqPoint, count / 8> points;
    bool all_on_grid = true;
    for (std::size_t p = 0; p < points.size(); ++p) {
      points[p] = vector(p);
      std::int32_t entry = grid.entry(IqLevels<8>::rank_of(points[p]));
      if (!IqNeighbours::on_grid(entry)) {
        all_on_grid = false;
        points[p] =
            nearest(grid.near(entry), elements_ + 8 * p, weights_ + 8 * p, fit_.scale, values(p));
        entry = grid.entry(IqLevels<8>::rank_of(points[p]));
      }
      fit_.codes[p] = static_cast<std::uint32_t>(entry);
    }
    if (!all_on_grid) rescale(points);
    if (!(fit_.scale >= 0.0f)) fit_.scale = 0.0f;
    return fit_;
  }

 private:
  static constexpr std::uint32_t all_down = count == iq1_s_run ? 1 : 3;

  void mirror() {
    for (std::uint8_t& level : levels_) level = static_cast<std::uint8_t>(2 - level);
    fit_.scale = -fit_.scale;
    fit_.down = all_down - fit_.down;
  }

  [[nodiscard]] const Iq1Values& values(std::size_t p) const {
    if constexpr (count == iq1_s_run) return iq1_values[fit_.down];
    return iq1_values[p == 0 ? fit_.down >> 1 : fit_.down & 1u];
  }

  [[nodiscard]] IqPoint vector(std::size_t p) const {
    std::uint32_t levels = 0;
    for (std::size_t i = 0; i < 8; ++i) levels |= std::uint32_t{levels_[8 * p + i]} << 2 * i;
    return static_cast<IqPoint>(levels);
  }

  void rescale(const std::array<IqPoint, count / 8>& points) {
    float qx = 0.0f;
    float qq = 0.0f;
    for (std::size_t i = 0; i < count; ++i) {
      const float value = values(i / 8)[points[i / 8] >> 2 * (i % 8) & 3u];
      qx += weights_[i] * value * elements_[i];
      qq += weights_[i] * value * value;
    }
    if (qx > 0.0f && qq > 0.0f) fit_.scale = qx / qq;
  }

  const float* elements_;
  const float* weights_;
  std::array<std::uint8_t, count> levels_{};
  Fit fit_;
};

// ---- IQ1_S ----

Fit fit_s_run(const float* elements, const float* importance, float spread, bool vectors) {
  if (largest_magnitude(elements, iq1_s_run) < least_magnitude_of_s) return {};
  alignas(64) std::array<float, iq1_s_run> weights;
  iq_weigh(elements, importance, spread, 0.0f, iq1_s_run, weights.data());
  const Functions& functions = functions_of(vectors);
  const Iq1Order order = functions.order(elements, iq1_s_run);
  Iq1Sums sums;
  for (std::size_t i = 0; i < iq1_s_run; ++i) {
    const std::size_t place = order[i];
    sums.wx[i + 1] = sums.wx[i] + weights[place] * elements[place];
    sums.w[i + 1] = sums.w[i] + weights[place];
  }
  const Iq1Split split = functions.s_split(sums);
  if (!split.found) return {};
  return Coder<iq1_s_run>(elements, weights.data(), order, split).code(functions.nearest);
}

void encode_s_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  constexpr std::size_t runs = iq_elements / iq1_s_run;
  const float spread = 2.0f * iq_square_sum(elements) / static_cast<float>(iq_elements);
  std::array<Fit, runs> fits;
  std::array<float, runs> run_scales;
  for (std::size_t run = 0; run < runs; ++run) {
    const std::size_t first = run * iq1_s_run;
    fits[run] = fit_s_run(elements + first, importance + first, spread, vectors);
    run_scales[run] = fits[run].scale;
  }
  const IqScales scales = iq_scales_of(run_scales.data(), runs, 15.0f, 7);
  store_f16(to, scales.scale * 1.125f);
  for (std::size_t run = 0; run < runs; ++run) {
    std::uint32_t high = 0;
    for (std::size_t p = 0; p < 4; ++p) {
      store_u8(to + 2 + 4 * run + p, fits[run].codes[p]);
      high |= fits[run].codes[p] >> 8 << 3 * p;
    }
    // Without any scale above 0 not even the shift is stored, as in ggml.
    if (scales.largest != 0.0f) high |= (fits[run].down << 3 | scales.codes[run]) << 12;
    store_u16(to + 34 + 2 * run, high);
  }
}

// ---- IQ1_M ----

constexpr std::size_t m_runs = iq_elements / iq1_m_run;

struct MBlock {
  alignas(64) std::array<float, iq_elements> weights;
  std::array<Fit, m_runs> fits;
  IqScales scales;
};

Fit fit_m_run(const float* elements, const float* weights, bool vectors) {
  if (largest_magnitude(elements, iq1_m_run) < least_magnitude_of_m) return {};
  const Functions& functions = functions_of(vectors);
  const Iq1Order order = functions.order(elements, iq1_m_run);
  const Iq1Split split = functions.m_split(elements, weights, order);
  if (!split.found) return {};
  return Coder<iq1_m_run>(elements, weights, order, split).code(functions.nearest);
}

/// The super-block's scale that is best for the multiples that were chosen for its runs.
float best_m_scale(const float* elements, const MBlock& block) {
  float qx = 0.0f;
  float qq = 0.0f;
  for (std::size_t i = 0; i < iq_elements; ++i) {
    const std::size_t run = i / iq1_m_run;
    const std::size_t p = i / 8 % 2;
    const Fit& fit = block.fits[run];
    const auto level = static_cast<std::size_t>(
        static_cast<std::int8_t>(iq1_grid[fit.codes[p]] >> 8 * (i % 8)) + 1);
    const auto multiple = static_cast<float>(2 * block.scales.codes[run] + 1);
    const float value = iq1_values[p == 0 ? fit.down >> 1 : fit.down & 1u][level] * multiple;
    qx += block.weights[i] * value * elements[i];
    qq += block.weights[i] * value * value;
  }
  return qq > 0.0f ? qx / qq : block.scales.scale;
}

void store_m_codes(const MBlock& block, std::byte* to) {
  for (std::size_t run = 0; run < m_runs; ++run) {
    const Fit& fit = block.fits[run];
    store_u8(to + 2 * run, fit.codes[0]);
    store_u8(to + 2 * run + 1, fit.codes[1]);
    std::uint32_t high = fit.codes[0] >> 8 | fit.codes[1] >> 8 << 4;
    // Without any scale above 0 not even the shifts are stored, as in ggml.
    if (block.scales.largest != 0.0f) high |= (fit.down >> 1) << 3 | (fit.down & 1u) << 7;
    store_u8(to + 32 + run, high);
  }
}

/// Four words of four codes of three bits, with a nibble of the super-block's scale on top of each.
void store_m_scales(const float* elements, const MBlock& block, std::byte* to) {
  const float scale = best_m_scale(elements, block) * 1.1125f;
  const std::uint32_t scale_bits = f16_from_f32(scale);
  for (std::size_t word = 0; word < 4; ++word) {
    std::uint32_t bits = (scale_bits >> 4 * word & 15u) << 12;
    for (std::size_t i = 0; i < 4; ++i) {
      bits |= std::uint32_t{block.scales.codes[4 * word + i]} << 3 * i;
    }
    store_u16(to + 48 + 2 * word, bits);
  }
}

void encode_m_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  const float spread = 2.0f * iq_square_sum(elements) / static_cast<float>(iq_elements);
  MBlock block;
  iq_weigh(elements, importance, spread, 0.0f, iq_elements, block.weights.data());
  std::array<float, m_runs> scales;
  for (std::size_t run = 0; run < m_runs; ++run) {
    const std::size_t first = run * iq1_m_run;
    block.fits[run] = fit_m_run(elements + first, &block.weights[first], vectors);
    scales[run] = block.fits[run].scale;
  }
  block.scales = iq_scales_of(scales.data(), m_runs, 15.0f, 7);
  std::fill_n(to, m_bytes, std::byte{0});
  store_m_codes(block, to);
  if (block.scales.largest != 0.0f) store_m_scales(elements, block, to);
}

}  // namespace

void encode_iq1_s(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, s_bytes, true, encode_s_block, to);
}
void encode_iq1_s_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, s_bytes, false, encode_s_block, to);
}

void encode_iq1_m(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, m_bytes, true, encode_m_block, to);
}
void encode_iq1_m_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, m_bytes, false, encode_m_block, to);
}

}  // namespace plimsoll::codecs::ggml
