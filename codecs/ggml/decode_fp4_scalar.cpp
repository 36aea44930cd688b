#include "codecs/ggml/block_decoders.hpp"
#include "codecs/ggml/fp4_scales.hpp"

// Numbers of four bits, and scales of eight.

namespace plimsoll::codecs::ggml::scalar {
namespace {

/// Twice `half` numbers: the low nibbles, then the high ones.
void nibbles(const std::uint8_t* codes, unsigned half, float scale, float* values) {
  for (unsigned i = 0; i < half; ++i) {
    values[i] = static_cast<float>(fp4_doubled[codes[i] & 15u]) * scale;
    values[i + half] = static_cast<float>(fp4_doubled[codes[i] >> 4]) * scale;
  }
}

}  // namespace

void mxfp4(const std::uint8_t* block, float* values) noexcept {
  nibbles(block + 1, 16, e8m0_halved(block[0]), values);
}

void nvfp4(const std::uint8_t* block, float* values) noexcept {
  for (unsigned sub = 0; sub < 4; ++sub) {
    nibbles(block + 4 + 8 * sub, 8, ue4m3_halved(block[sub]), values + 16 * sub);
  }
}

}  // namespace plimsoll::codecs::ggml::scalar
