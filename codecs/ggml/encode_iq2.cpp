#include "codecs/ggml/encode_iq2.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_iq_runs.hpp"

namespace plimsoll::codecs::ggml {
namespace {

// ---- IQ2_XXS: runs of 32; seven signs a point ----

constexpr std::size_t xxs_bytes = 66;
constexpr float least_magnitude = 1e-15f;  // runs below it get the scale 0

IqSignedFit fit_xxs_run(const float* elements, const float* importance, float spread,
                        bool vectors) {
  IqRun run;
  IqSignedFit result;
  iq_weigh_run(elements, importance, spread, 0.0f, 32, run);
  for (std::size_t p = 0; p < 4; ++p) {
    result.signs[p] =
        iq_take_even_signs(elements + 8 * p, &run.weights[8 * p], &run.magnitudes[8 * p]);
  }
  const float largest = iq_largest(run.magnitudes.data(), 32);
  if (largest < least_magnitude) return {};
  result.fit.scale = iq2_level_scale(run, largest);
  const float reach = result.fit.scale * 3.0f;
  if (reach <= 0.0f) return {};
  const auto search = vectors ? iq2_xxs_search : iq2_xxs_search_scalar;
  search(IqNeighbours::iq2_xxs(), run, reach, result.fit);
  result.make_positive();
  return result;
}

void encode_xxs_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  const float spread = iq_square_sum(elements) / static_cast<float>(iq_elements);
  std::array<IqSignedFit, 8> runs;
  std::array<float, 8> run_scales;
  for (std::size_t run = 0; run < 8; ++run) {
    runs[run] = fit_xxs_run(elements + 32 * run, importance + 32 * run, spread, vectors);
    run_scales[run] = runs[run].fit.scale;
  }
  std::fill_n(to, xxs_bytes, std::byte{0});
  const IqScales scales = iq_scales_of(run_scales.data(), 8, 31.0f, 15);
  if (scales.largest == 0.0f) return;
  store_f16(to, scales.scale);
  for (std::size_t run = 0; run < 8; ++run) {
    std::uint32_t signs = 0;
    for (std::size_t p = 0; p < 4; ++p) {
      const IqPoint point = runs[run].fit.points[p];
      store_u8(to + 2 + 8 * run + p, iq_code_of<8>(IqNeighbours::iq2_xxs(), point));
      signs |= (runs[run].signs[p] & 127u) << 7 * p;
    }
    store_u32(to + 2 + 8 * run + 4, signs | std::uint32_t{scales.codes[run]} << 28);
  }
}

// ---- IQ2_XS and IQ2_S: runs of 16 ----

constexpr std::size_t xs_bytes = 74;
constexpr std::size_t s_bytes = 82;
constexpr float least_magnitude_of_s = 1e-8f;

IqSignedFit fit_xs_run(const float* elements, const float* importance, float spread,
                       IqSearchFunction search) {
  IqRun run;
  IqSignedFit result;
  iq_weigh_run(elements, importance, spread, 0.0f, 16, run);
  for (std::size_t p = 0; p < 2; ++p) {
    result.signs[p] =
        iq_take_even_signs(elements + 8 * p, &run.weights[8 * p], &run.magnitudes[8 * p]);
  }
  const float largest = iq_largest(run.magnitudes.data(), 16);
  if (largest < least_magnitude) return {};
  result.fit.scale = largest / 5.0f;
  search(IqNeighbours::iq2_xs(), run, largest, result.fit);
  result.make_positive();
  return result;
}

IqSignedFit fit_s_run(const float* elements, const float* importance, float spread,
                      IqSearchFunction search) {
  IqRun run;
  IqSignedFit result;
  iq_weigh_run(elements, importance, spread, 0.25f * spread, 16, run);
  for (std::size_t p = 0; p < 2; ++p) {
    result.signs[p] = iq_take_signs(elements + 8 * p, &run.magnitudes[8 * p]);
  }
  const float largest = iq_largest(run.magnitudes.data(), 16);
  if (largest < least_magnitude_of_s) return {};
  result.fit.scale = largest / 5.0f;
  search(IqNeighbours::iq2_s(), run, largest, result.fit);
  result.make_positive();
  return result;
}

struct Runs {
  std::array<IqSignedFit, 16> fits;
  IqScales scales;
};

Runs fit_runs(const float* elements, const float* importance, float spread,
              decltype(&fit_xs_run) fit_run, IqSearchFunction search) {
  Runs runs;
  std::array<float, 16> scales;
  for (std::size_t run = 0; run < 16; ++run) {
    const float* weights = importance != nullptr ? importance + 16 * run : nullptr;
    runs.fits[run] = fit_run(elements + 16 * run, weights, spread, search);
    scales[run] = runs.fits[run].fit.scale;
  }
  runs.scales = iq_scales_of(scales.data(), 16, 31.0f, 15);
  return runs;
}

void encode_xs_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  const float spread = iq_square_sum(elements) / static_cast<float>(iq_elements);
  const Runs runs =
      fit_runs(elements, importance, spread, fit_xs_run, vectors ? iq2_search : iq2_search_scalar);
  std::fill_n(to, xs_bytes, std::byte{0});
  if (runs.scales.largest == 0.0f) return;
  store_f16(to, runs.scales.scale);
  for (std::size_t i = 0; i < 32; ++i) {
    const IqSignedFit& run = runs.fits[i / 2];
    const std::uint32_t code = iq_code_of<8>(IqNeighbours::iq2_xs(), run.fit.points[i % 2]);
    store_u16(to + 2 + 2 * i, code | (run.signs[i % 2] & 127u) << 9);
  }
  iq_store_scale_codes(runs.scales, 16, to + 66);
}

/// Without any scale above 0 the points and signs are stored all the same, as in ggml.
void encode_s_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  const float spread = 2.0f * iq_square_sum(elements) / static_cast<float>(iq_elements);
  const Runs runs =
      fit_runs(elements, importance, spread, fit_s_run, vectors ? iq2_search : iq2_search_scalar);
  store_f16(to, runs.scales.scale * 0.9875f);
  for (std::size_t byte = 0; byte < 8; ++byte) {
    std::uint32_t high = 0;
    for (std::size_t i = 4 * byte; i < 4 * byte + 4; ++i) {
      const IqSignedFit& run = runs.fits[i / 2];
      const std::uint32_t code = iq_code_of<8>(IqNeighbours::iq2_s(), run.fit.points[i % 2]);
      store_u8(to + 2 + i, code);
      store_u8(to + 34 + i, run.signs[i % 2]);
      high |= code >> 8 << 2 * (i % 4);
    }
    store_u8(to + 66 + byte, high);
  }
  iq_store_scale_codes(runs.scales, 16, to + 74);
}

}  // namespace

void encode_iq2_xxs(const float* elements, const float* importance, std::size_t blocks,
                    std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, xxs_bytes, true, encode_xxs_block, to);
}
void encode_iq2_xxs_scalar(const float* elements, const float* importance, std::size_t blocks,
                           std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, xxs_bytes, false, encode_xxs_block, to);
}

void encode_iq2_xs(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, xs_bytes, true, encode_xs_block, to);
}
void encode_iq2_xs_scalar(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, xs_bytes, false, encode_xs_block, to);
}

void encode_iq2_s(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, s_bytes, true, encode_s_block, to);
}
void encode_iq2_s_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, s_bytes, false, encode_s_block, to);
}

}  // namespace plimsoll::codecs::ggml
