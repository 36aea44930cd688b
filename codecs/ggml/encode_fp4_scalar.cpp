#include <bit>
#include <cmath>

#include "codecs/float_bits.hpp"
#include "codecs/ggml/encode_fields.hpp"
#include "codecs/ggml/encode_fp4.hpp"

namespace plimsoll::codecs::ggml {
namespace {

float largest_magnitude(const float* elements, std::size_t count) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < count; ++i) {
    const float magnitude = std::abs(elements[i]);
    if (largest < magnitude) largest = magnitude;
  }
  return largest;
}

/// The code with the least error, the first of equals; 0 for NaN.
std::uint32_t fp4_code(float value, float half_scale) {
  std::uint32_t best = 0;
  float least = std::abs(0.0f * half_scale - value);
  for (std::uint32_t code = 1; code < 16; ++code) {
    const float number = code < 8 ? fp4_doubles[code] : -fp4_doubles[code - 8];
    const float error = std::abs(number * half_scale - value);
    if (error < least) {
      least = error;
      best = code;
    }
  }
  return best;
}

/// The low nibbles are those of the first half.
void pack_codes(const float* elements, float half_scale, std::size_t count, std::byte* to) {
  for (std::size_t i = 0; i < count / 2; ++i) {
    const std::uint32_t low = fp4_code(elements[i], half_scale);
    const std::uint32_t high = fp4_code(elements[count / 2 + i], half_scale);
    store_u8(to + i, low | high << 4);
  }
}

}  // namespace

// ggml takes the logarithm in fp32: a number within some ulps below a power of two counts as that
// power. The byte of a number below 2^-125 wraps around.
std::uint8_t mxfp4_exponent(float largest) noexcept {
  if (!(largest > 0.0f) || std::isinf(largest)) return 0;
  const auto log2 = static_cast<float>(std::log2(static_cast<double>(largest)));
  return static_cast<std::uint8_t>(static_cast<int>(std::floor(log2)) - 2 + 127);
}

float mxfp4_half_scale(std::uint8_t exponent) noexcept {
  const std::uint32_t bits = exponent < 2 ? 0x00200000u << exponent : (exponent - 1u) << 23;
  return std::bit_cast<float>(bits);
}

// Four exponent and three mantissa bits without a sign. Scales from 256 on all become the largest
// but one, and a mantissa is rounded half up, whatever lies below its first dropped bit.
std::uint8_t nvfp4_scale(float largest) noexcept {
  float scale = largest / 6.0f;
  if (!(scale > 0.0f)) return 0;
  if (scale > 448.0f) scale = 448.0f;
  const auto bits = std::bit_cast<std::uint32_t>(scale);
  if (bits >> 23 <= 120) {  // below 2^-6: a multiple of 2^-9
    const auto steps = static_cast<std::uint32_t>(std::floor(scale * 512.0f + 0.5f));
    return static_cast<std::uint8_t>(steps < 7 ? steps : 7);
  }
  const std::uint32_t rounded = ((bits >> 19) + 1) >> 1;  // exponent of bias 127, mantissa
  const std::uint32_t rebiased = rounded - (120u << 3);
  return static_cast<std::uint8_t>(rebiased < 0x78 ? rebiased : 0x7E);
}

float nvfp4_half_scale(std::uint8_t scale) noexcept {
  if (scale == 0 || scale == 0x7F) return 0.0f;
  return 0.5f * std::bit_cast<float>(f32_bits_of_small(scale & 0x7Fu, 3, 7));
}

void encode_mxfp4_scalar(const float* elements, const float* /*importance*/, std::size_t blocks,
                         std::byte* to) noexcept {
  for (std::size_t block = 0; block < blocks; ++block) {
    const float* from = elements + block * mxfp4_elements;
    std::byte* bytes = to + block * mxfp4_bytes;
    const std::uint8_t exponent = mxfp4_exponent(largest_magnitude(from, mxfp4_elements));
    store_u8(bytes, exponent);
    pack_codes(from, mxfp4_half_scale(exponent), mxfp4_elements, bytes + 1);
  }
}

void encode_nvfp4_scalar(const float* elements, const float* /*importance*/, std::size_t blocks,
                         std::byte* to) noexcept {
  constexpr std::size_t part = nvfp4_elements_of_scale;
  constexpr std::size_t parts = nvfp4_elements / part;
  for (std::size_t i = 0; i < blocks * parts; ++i) {
    const float* from = elements + i * part;
    std::byte* bytes = to + i / parts * nvfp4_bytes;
    const std::uint8_t scale = nvfp4_scale(largest_magnitude(from, part));
    store_u8(bytes + i % parts, scale);
    pack_codes(from, nvfp4_half_scale(scale), part, bytes + parts + i % parts * (part / 2));
  }
}

}  // namespace plimsoll::codecs::ggml
