#pragma once

#include <cstddef>

#include "codecs/ggml/encode_iq_search.hpp"

namespace plimsoll::codecs::ggml {

// IQ2_XXS, IQ2_XS and IQ2_S: eight magnitudes of three levels are a point of a grid, whose signs
// are stored apart. See EncodeBlocks in encode_widened.hpp. The first two need importance.

/// The scale, above 0 if it is any good, that levels from 0 to 4 approximate a run of IQ2_XXS best
/// with, if they need not be points of a grid. `largest` is the largest magnitude of the run.
[[nodiscard]] float iq2_level_scale(const IqRun& run, float largest);

void encode_iq2_xxs(const float* elements, const float* importance, std::size_t blocks,
                    std::byte* to) noexcept;
void encode_iq2_xxs_scalar(const float* elements, const float* importance, std::size_t blocks,
                           std::byte* to) noexcept;

void encode_iq2_xs(const float* elements, const float* importance, std::size_t blocks,
                   std::byte* to) noexcept;
void encode_iq2_xs_scalar(const float* elements, const float* importance, std::size_t blocks,
                          std::byte* to) noexcept;

void encode_iq2_s(const float* elements, const float* importance, std::size_t blocks,
                  std::byte* to) noexcept;
void encode_iq2_s_scalar(const float* elements, const float* importance, std::size_t blocks,
                         std::byte* to) noexcept;

}  // namespace plimsoll::codecs::ggml
