#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/ggml/encode_iq_search.hpp"

namespace plimsoll::codecs::ggml {

// What the IQ types do with a super-block before and after its runs are searched.

inline constexpr std::size_t iq_elements = 256;  ///< of a super-block

/// The scale and points of a run, with the signs of every eight elements.
struct IqSignedFit {
  IqFit fit;
  std::array<std::uint32_t, 4> signs{};

  /// Flips all signs for a scale below 0, and takes one that is no number for 0.
  void make_positive() noexcept;
};

/// Whether vector code may search a super-block: all its elements and weights are finite numbers.
[[nodiscard]] bool iq_all_finite(const float* elements, const float* importance) noexcept;

/// The sum of the squares of a super-block.
[[nodiscard]] float iq_square_sum(const float* elements) noexcept;

/// Weighs `count` elements: importance times the root of `spread` plus square, or, without
/// importance, `plain` plus square.
void iq_weigh(const float* elements, const float* importance, float spread, float plain,
              std::size_t count, float* weights) noexcept;

/// Weighs a run so, and takes the roots of the weights.
void iq_weigh_run(const float* elements, const float* importance, float spread, float plain,
                  std::size_t count, IqRun& run) noexcept;

/// Takes the signs, a bit each, from eight elements; NaN counts as negative.
[[nodiscard]] std::uint32_t iq_take_signs(const float* elements, float* magnitudes) noexcept;

/// As iq_take_signs, but an even number of them: an odd one is mended where it does least harm, and
/// the magnitude becomes negative there. The last sign follows from the seven in the result.
[[nodiscard]] std::uint32_t iq_take_even_signs(const float* elements, const float* weights,
                                               float* magnitudes) noexcept;

[[nodiscard]] float iq_largest(const float* magnitudes, std::size_t count) noexcept;

/// The scales of a super-block's runs, as multiples 2 c + 1 of one that is `steps` times less than
/// the largest of them; all 0 if none is above 0.
struct IqScales {
  float largest = 0.0f;
  float scale = 0.0f;
  std::array<std::uint8_t, 16> codes{};  ///< c, from 0 to `highest`
};
[[nodiscard]] IqScales iq_scales_of(const float* scales, std::size_t count, float steps,
                                    std::int32_t highest) noexcept;

/// Stores `count` of the codes, four bits each, the first in the low bits.
void iq_store_scale_codes(const IqScales& scales, std::size_t count, std::byte* to) noexcept;

/// Encodes a row super-block by super-block, of `bytes` bytes, with a function that is told whether
/// it may use vector code.
template <class EncodeBlock>
void iq_encode_blocks(const float* elements, const float* importance, std::size_t blocks,
                      std::size_t bytes, bool vectors, EncodeBlock encode_block, std::byte* to) {
  for (std::size_t block = 0; block < blocks; ++block) {
    const float* from = elements + block * iq_elements;
    const float* weights = importance != nullptr ? importance + block * iq_elements : nullptr;
    encode_block(from, weights, vectors && iq_all_finite(from, weights), to + block * bytes);
  }
}

}  // namespace plimsoll::codecs::ggml
