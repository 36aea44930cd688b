#include "codecs/ggml/block_decoders.hpp"
#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/k_scales.hpp"

// The K types: 256 elements a block, in sub-blocks of 16 or 32 with scales of their own, which are
// small integers times the block's scale.

namespace plimsoll::codecs::ggml::scalar {
namespace {

constexpr unsigned elements = 256;

/// Two bits of element i: 128 elements share 32 bytes, 32 of them a shift.
unsigned two_bits(const std::uint8_t* codes, unsigned i) {
  return codes[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3u;
}

/// Four bits of element i: 64 elements share 32 bytes, low nibbles first.
unsigned four_bits(const std::uint8_t* codes, unsigned i) {
  return codes[i / 64 * 32 + i % 32] >> 4 * (i % 64 / 32) & 15u;
}

/// One bit of element i: all share 32 bytes, 32 elements a shift.
unsigned one_bit(const std::uint8_t* bits, unsigned i) {
  return bits[i % 32] >> i / 32 & 1u;
}

/// Q4_K and Q5_K, which differ in their codes.
template <class CodeOf>
void with_leasts(const std::uint8_t* block, float* values, CodeOf code_of) {
  const float scale = f16_at(block);
  const float least = f16_at(block + 2);
  for (unsigned sub = 0; sub < 8; ++sub) {
    const ScaleAndLeast own = scale_and_least(block + 4, sub);
    const float own_scale = scale * static_cast<float>(own.scale);
    const float own_least = least * static_cast<float>(own.least);
    for (unsigned i = 32 * sub; i < 32 * (sub + 1); ++i) {
      values[i] = own_scale * static_cast<float>(code_of(i)) - own_least;
    }
  }
}

}  // namespace

void q2_k(const std::uint8_t* block, float* values) noexcept {
  const std::uint8_t* codes = block + 16;
  const float scale = f16_at(block + 80);
  const float least = f16_at(block + 82);
  for (unsigned i = 0; i < elements; ++i) {
    const unsigned own = block[i / 16];
    const float own_scale = scale * static_cast<float>(own & 15u);
    const float own_least = least * static_cast<float>(own >> 4);
    values[i] = own_scale * static_cast<float>(two_bits(codes, i)) - own_least;
  }
}

void q3_k(const std::uint8_t* block, float* values) noexcept {
  const std::uint8_t* codes = block + 32;
  const std::uint8_t* scales = block + 96;
  const float scale = f16_at(block + 108);
  for (unsigned i = 0; i < elements; ++i) {
    const float own_scale = scale * static_cast<float>(q3_scale(scales, i / 16));
    const int code = static_cast<int>(two_bits(codes, i) | one_bit(block, i) << 2) - 4;
    values[i] = own_scale * static_cast<float>(code);
  }
}

void q4_k(const std::uint8_t* block, float* values) noexcept {
  with_leasts(block, values, [=](unsigned i) { return four_bits(block + 16, i); });
}

void q5_k(const std::uint8_t* block, float* values) noexcept {
  with_leasts(block, values,
              [=](unsigned i) { return four_bits(block + 48, i) | one_bit(block + 16, i) << 4; });
}

void q6_k(const std::uint8_t* block, float* values) noexcept {
  const std::uint8_t* low = block;
  const std::uint8_t* high = block + 128;
  const std::uint8_t* scales = block + 192;
  const float scale = f16_at(block + 208);
  for (unsigned i = 0; i < elements; ++i) {
    // 128 elements share 64 bytes, low nibbles first.
    const unsigned four = low[i / 128 * 64 + i % 64] >> 4 * (i % 128 / 64) & 15u;
    const int code = static_cast<int>(four | two_bits(high, i) << 4) - 32;
    const auto own = static_cast<std::int8_t>(scales[i / 16]);
    values[i] = scale * static_cast<float>(own) * static_cast<float>(code);
  }
}

void q8_k(const std::uint8_t* block, float* values) noexcept {
  const auto scale = std::bit_cast<float>(u32_at(block));
  for (unsigned i = 0; i < elements; ++i) {
    values[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[4 + i]));
  }
}

}  // namespace plimsoll::codecs::ggml::scalar
