#include "codecs/ggml/encode_iq3.hpp"

#include <algorithm>

#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_iq_runs.hpp"

namespace plimsoll::codecs::ggml {
namespace {

constexpr std::size_t xxs_bytes = 98;
constexpr std::size_t s_bytes = 110;
constexpr std::size_t run_elements = 32;
constexpr std::size_t runs_of_block = iq_elements / run_elements;
constexpr float least_magnitude_of_xxs = 1e-8f;  // runs below it get the scale 0

IqSignedFit fit_xxs_run(const float* elements, const float* importance, float spread,
                        bool vectors) {
  IqRun run;
  IqSignedFit result;
  iq_weigh_run(elements, importance, spread, 0.0f, run_elements, run);
  for (std::size_t eight = 0; eight < 4; ++eight) {
    result.signs[eight] = iq_take_even_signs(elements + 8 * eight, &run.weights[8 * eight],
                                             &run.magnitudes[8 * eight]);
  }
  const float largest = iq_largest(run.magnitudes.data(), run_elements);
  if (largest < least_magnitude_of_xxs) return {};
  result.fit.scale = largest / 15.0f;
  const auto search = vectors ? iq3_xxs_search : iq3_xxs_search_scalar;
  search(IqNeighbours::iq3_xxs(), run, largest, result.fit);
  result.make_positive();
  return result;
}

IqSignedFit fit_s_run(const float* elements, const float* importance, float spread, bool vectors) {
  IqRun run;
  IqSignedFit result;
  iq_weigh_run(elements, importance, spread, 0.0f, run_elements, run);
  for (std::size_t eight = 0; eight < 4; ++eight) {
    result.signs[eight] = iq_take_signs(elements + 8 * eight, &run.magnitudes[8 * eight]);
  }
  const float largest = iq_largest(run.magnitudes.data(), run_elements);
  if (largest == 0.0f) return {};
  result.fit.scale = largest / 15.0f;
  const auto search = vectors ? iq3_s_search : iq3_s_search_scalar;
  search(IqNeighbours::iq3_s(), run, largest, result.fit);
  result.make_positive();
  return result;
}

struct Runs {
  std::array<IqSignedFit, runs_of_block> fits;
  std::array<bool, runs_of_block> all_zero;
  IqScales scales;
};

Runs fit_runs(const float* elements, const float* importance, decltype(&fit_s_run) fit_run,
              bool vectors) {
  const float spread = 2.0f * iq_square_sum(elements) / static_cast<float>(iq_elements);
  Runs runs;
  std::array<float, runs_of_block> scales;
  for (std::size_t run = 0; run < runs_of_block; ++run) {
    const std::size_t first = run * run_elements;
    const float* weights = importance != nullptr ? importance + first : nullptr;
    runs.fits[run] = fit_run(elements + first, weights, spread, vectors);
    runs.all_zero[run] = std::all_of(elements + first, elements + first + run_elements,
                                     [](float element) { return element == 0.0f; });
    scales[run] = runs.fits[run].fit.scale;
  }
  runs.scales = iq_scales_of(scales.data(), runs_of_block, 31.0f, 15);
  return runs;
}

void encode_xxs_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  const Runs runs = fit_runs(elements, importance, fit_xxs_run, vectors);
  std::fill_n(to, xxs_bytes, std::byte{0});
  if (runs.scales.largest == 0.0f) return;
  store_f16(to, runs.scales.scale * 1.0125f);
  for (std::size_t run = 0; run < runs_of_block; ++run) {
    const IqSignedFit& fit = runs.fits[run];
    for (std::size_t p = 0; p < 8; ++p) {
      store_u8(to + 2 + 8 * run + p, iq_code_of<4>(IqNeighbours::iq3_xxs(), fit.fit.points[p]));
    }
    std::uint32_t signs = 0;
    for (std::size_t eight = 0; eight < 4; ++eight) {
      signs |= (fit.signs[eight] & 127u) << 7 * eight;
    }
    store_u32(to + 66 + 4 * run, signs | std::uint32_t{runs.scales.codes[run]} << 28);
  }
}

/// As in ggml, points and signs are stored without any scale above 0 too; and those of a run that
/// follows one of zeros stand where the zeros' own would, but for the high bits of the points.
void encode_s_block(const float* elements, const float* importance, bool vectors, std::byte* to) {
  const Runs runs = fit_runs(elements, importance, fit_s_run, vectors);
  std::fill_n(to, s_bytes, std::byte{0});
  store_f16(to, runs.scales.scale * 1.033f);
  std::byte* low_bits = to + 2;
  std::byte* signs = to + 74;
  for (std::size_t run = 0; run < runs_of_block; ++run) {
    if (runs.all_zero[run]) continue;
    const IqSignedFit& fit = runs.fits[run];
    std::uint32_t high = 0;
    for (std::size_t p = 0; p < 8; ++p) {
      const std::uint32_t code = iq_code_of<4>(IqNeighbours::iq3_s(), fit.fit.points[p]);
      store_u8(low_bits++, code);
      high |= code >> 8 << p;
    }
    store_u8(to + 66 + run, high);
    for (const std::uint32_t byte : fit.signs) store_u8(signs++, byte);
  }
  iq_store_scale_codes(runs.scales, runs_of_block, to + 106);
}

}  // namespace

void encode_iq3_xxs(const float* elements, const float* importance, std::size_t blocks,
                    std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, xxs_bytes, true, encode_xxs_block, to);
}
void encode_iq3_xxs_scalar(const float* elements, const float* importance, std::size_t blocks,
                           std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, xxs_bytes, false, encode_xxs_block, to);
}

void encode_iq3_s(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, s_bytes, true, encode_s_block, to);
}
void encode_iq3_s_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept {
  iq_encode_blocks(elements, importance, blocks, s_bytes, false, encode_s_block, to);
}

}  // namespace plimsoll::codecs::ggml
