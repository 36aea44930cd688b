#include "codecs/ggml/block_decoders.hpp"
#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/iq_grids.hpp"

// The IQ types. Those of one to three bits code elements together, as points of a grid; what a
// point lacks (signs, or the side on which elements are off the grid) and scales lie beside.

namespace plimsoll::codecs::ggml::scalar {
namespace {

constexpr unsigned groups = 32;  // of eight elements in a block

float with_sign(float magnitude, unsigned negative) {
  return magnitude * (negative != 0 ? -1.0f : 1.0f);
}

/// Eight elements of IQ2: bytes of `point`, bits of `signs`.
void eight(std::uint64_t point, unsigned signs, float scale, float* values) {
  for (unsigned i = 0; i < 8; ++i) {
    const auto magnitude = static_cast<float>(point >> 8 * i & 0xFFu);
    values[i] = with_sign(scale * magnitude, signs >> i & 1u);
  }
}

/// Eight elements of IQ3, of two points.
void eight(std::uint32_t first, std::uint32_t second, unsigned signs, float scale, float* values) {
  eight(std::uint64_t{second} << 32 | first, signs, scale, values);
}

/// Eight elements of IQ1, all off the grid by the same eighth.
void eight_near(std::uint64_t point, bool below, float scale, float* values) {
  const float delta = below ? -0.125f : 0.125f;
  for (unsigned i = 0; i < 8; ++i) {
    values[i] = scale * (static_cast<float>(static_cast<std::int8_t>(point >> 8 * i)) + delta);
  }
}

float half_steps(float scale, unsigned code) {
  return scale * (0.5f + static_cast<float>(code));
}

/// The 4-bit scale of a group of IQ2_XS or IQ2_S: two groups a nibble.
float iq2_scale(float scale, const std::uint8_t* scales, unsigned group) {
  return half_steps(scale, scales[group / 4] >> 4 * (group % 4 / 2) & 15u) * 0.25f;
}

}  // namespace

void iq2_xxs(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned group = 0; group < groups; ++group) {
    const std::uint8_t* codes = block + 2 + group / 4 * 8;
    const std::uint32_t rest = u32_at(codes + 4);
    const std::uint8_t signs = iq_signs(rest >> 7 * (group % 4) & 127u);
    eight(iq2_xxs_grid[codes[group % 4]], signs, half_steps(scale, rest >> 28) * 0.25f,
          values + 8 * group);
  }
}

void iq2_xs(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned group = 0; group < groups; ++group) {
    const unsigned code = u16_at(block + 2 + 2 * group);
    eight(iq2_xs_grid[code & 511u], iq_signs(static_cast<std::uint8_t>(code >> 9)),
          iq2_scale(scale, block + 66, group), values + 8 * group);
  }
}

void iq2_s(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const std::uint8_t* codes = block + 2;
  const std::uint8_t* signs = block + 34;
  const std::uint8_t* high = block + 66;
  for (unsigned group = 0; group < groups; ++group) {
    const unsigned two = high[group / 4] >> 2 * (group % 4) & 3u;
    eight(iq2_s_grid[codes[group] | two << 8], signs[group], iq2_scale(scale, block + 74, group),
          values + 8 * group);
  }
}

void iq3_xxs(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  for (unsigned group = 0; group < groups; ++group) {
    const std::uint8_t* codes = block + 2 + 2 * group;
    const std::uint32_t rest = u32_at(block + 66 + group / 4 * 4);
    eight(iq3_xxs_grid[codes[0]], iq3_xxs_grid[codes[1]], iq_signs(rest >> 7 * (group % 4) & 127u),
          half_steps(scale, rest >> 28) * 0.5f, values + 8 * group);
  }
}

void iq3_s(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const std::uint8_t* high = block + 66;
  const std::uint8_t* signs = block + 74;
  const std::uint8_t* scales = block + 106;
  for (unsigned group = 0; group < groups; ++group) {
    const std::uint8_t* codes = block + 2 + 2 * group;
    const unsigned ninth = high[group / 4] >> 2 * (group % 4);
    const unsigned own = scales[group / 8] >> 4 * (group / 4 % 2) & 15u;
    eight(iq3_s_grid[codes[0] | (ninth & 1u) << 8], iq3_s_grid[codes[1] | (ninth & 2u) << 7],
          signs[group], scale * static_cast<float>(1 + 2 * own), values + 8 * group);
  }
}

void iq1_s(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const std::uint8_t* codes = block + 2;
  for (unsigned group = 0; group < groups; ++group) {
    const unsigned rest = u16_at(block + 34 + group / 4 * 2);
    const unsigned high = rest >> 3 * (group % 4) & 7u;
    const float own_scale = scale * static_cast<float>(2 * (rest >> 12 & 7u) + 1);
    eight_near(iq1_grid[codes[group] | high << 8], (rest & 0x8000u) != 0, own_scale,
               values + 8 * group);
  }
}

void iq1_m(const std::uint8_t* block, float* values) noexcept {
  const std::uint8_t* high = block + 32;
  const std::uint8_t* scales = block + 48;
  unsigned scale_bits = 0;  // in the top nibbles of four words
  for (unsigned word = 0; word < 4; ++word) {
    scale_bits |= static_cast<unsigned>(u16_at(scales + 2 * word) >> 12) << 4 * word;
  }
  const float scale = f32_from_f16(static_cast<std::uint16_t>(scale_bits));
  for (unsigned group = 0; group < groups; ++group) {
    const unsigned rest = high[group / 2] >> 4 * (group % 2) & 15u;
    const unsigned own = u16_at(scales + group / 8 * 2) >> 3 * (group % 8 / 2) & 7u;
    eight_near(iq1_grid[block[group] | (rest & 7u) << 8], (rest & 8u) != 0,
               scale * static_cast<float>(2 * own + 1), values + 8 * group);
  }
}

void iq4_nl(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const std::uint8_t* codes = block + 2;
  for (unsigned i = 0; i < 16; ++i) {
    values[i] = scale * static_cast<float>(iq4_values[codes[i] & 15u]);
    values[i + 16] = scale * static_cast<float>(iq4_values[codes[i] >> 4]);
  }
}

void iq4_xs(const std::uint8_t* block, float* values) noexcept {
  const float scale = f16_at(block);
  const unsigned high = u16_at(block + 2);
  for (unsigned sub = 0; sub < 8; ++sub) {
    const unsigned low = block[4 + sub / 2] >> 4 * (sub % 2) & 15u;
    const int own = static_cast<int>(low | (high >> 2 * sub & 3u) << 4) - 32;
    const float own_scale = scale * static_cast<float>(own);
    const std::uint8_t* codes = block + 8 + 16 * sub;
    for (unsigned i = 0; i < 16; ++i) {
      values[32 * sub + i] = own_scale * static_cast<float>(iq4_values[codes[i] & 15u]);
      values[32 * sub + i + 16] = own_scale * static_cast<float>(iq4_values[codes[i] >> 4]);
    }
  }
}

}  // namespace plimsoll::codecs::ggml::scalar
