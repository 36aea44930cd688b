#include "codecs/ggml/k_blocks.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/ggml/encode_rounding.hpp"
#include "codecs/ggml/encode_search.hpp"

namespace plimsoll::codecs::ggml {
namespace {

HalfBytes half_bytes(float value) {
  const std::uint16_t bits = f16_scale(value);
  return {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8)};
}

float from_half_bytes(const HalfBytes& bytes) {
  return f32_from_f16(static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8));
}

/// The largest, at least 0; NaN is never larger.
template <std::size_t count>
float largest_of(const std::array<float, count>& values) {
  float largest = 0;
  for (const float value : values) {
    if (value > largest) largest = value;
  }
  return largest;
}

/// The value of the largest magnitude, the first of several.
template <std::size_t count>
float peak_of(const std::array<float, count>& values) {
  float peak = 0;
  for (const float value : values) {
    if (std::abs(value) > std::abs(peak)) peak = value;
  }
  return peak;
}

/// Numbers of 0 to `largest`, of which the peak is `largest`; a byte's worth of whatever they are.
template <std::size_t count>
std::array<std::uint8_t, count> scaled_to(int largest, float peak,
                                          const std::array<float, count>& values) {
  std::array<std::uint8_t, count> codes{};
  if (!(peak > 0)) return codes;
  const float inverse = static_cast<float>(largest) / peak;
  for (std::size_t i = 0; i < count; ++i) {
    codes[i] = static_cast<std::uint8_t>(nearest_int(inverse * values[i]));
  }
  return codes;
}

/// Two times eight numbers of six bits: the last four of each lend their high bits room in the
/// first.
void store_six_bits(const std::array<std::uint8_t, 8>& scales,
                    const std::array<std::uint8_t, 8>& drops, std::uint8_t* stored) {
  for (std::size_t i = 0; i < 4; ++i) {
    const unsigned scale = scales[i + 4];
    const unsigned drop = drops[i + 4];
    stored[i] = static_cast<std::uint8_t>(scales[i] | scale >> 4 << 6);
    stored[i + 4] = static_cast<std::uint8_t>(drops[i] | drop >> 4 << 6);
    stored[i + 8] = static_cast<std::uint8_t>((scale & 15u) | (drop & 15u) << 4);
  }
}

template <class Block>
Levels<Block> six_bit_levels(const Block& block) {
  const float d = from_half_bytes(block.d);
  const float dmin = from_half_bytes(block.dmin);
  const std::uint8_t* stored = block.scales;
  Levels<Block> levels;
  for (std::size_t i = 0; i < 4; ++i) {
    const unsigned scale = stored[i];
    const unsigned drop = stored[i + 4];
    const unsigned both = stored[i + 8];
    levels[i] = {d * static_cast<float>(scale & 63u), dmin * static_cast<float>(drop & 63u)};
    levels[i + 4] = {d * static_cast<float>((both & 15u) | scale >> 6 << 4),
                     dmin * static_cast<float>(both >> 4 | drop >> 6 << 4)};
  }
  return levels;
}

template <class Block>
void store_six_bit_scales(const Scales<Block>& scales, const Scales<Block>& drops, Block& block) {
  const float largest_scale = largest_of(scales);
  const float largest_drop = largest_of(drops);
  auto scale_codes = scaled_to(63, largest_scale, scales);
  auto drop_codes = scaled_to(63, largest_drop, drops);
  for (std::uint8_t& code : scale_codes) code = std::min<std::uint8_t>(code, 63);
  for (std::uint8_t& code : drop_codes) code = std::min<std::uint8_t>(code, 63);
  store_six_bits(scale_codes, drop_codes, block.scales);
  block.d = half_bytes(largest_scale / 63.0f);
  block.dmin = half_bytes(largest_drop / 63.0f);
}

/// Codes of two bits: those of elements 32 apart share a byte.
void pack_pairs_of_bits(const std::uint8_t* codes, std::uint8_t* packed) {
  for (std::size_t i = 0; i < 32; ++i) {
    packed[i] = static_cast<std::uint8_t>(codes[i] | codes[i + 32] << 2 | codes[i + 64] << 4 |
                                          codes[i + 96] << 6);
  }
}

/// Low nibbles: those of elements 32 apart share a byte.
void pack_nibbles(const Codes& codes, std::uint8_t* packed) {
  for (std::size_t run = 0; run < super_elements; run += 64) {
    for (std::size_t i = 0; i < 32; ++i) {
      packed[run / 2 + i] =
          static_cast<std::uint8_t>((codes[run + i] & 15u) | codes[run + i + 32] << 4);
    }
  }
}

/// One bit of every code, those of elements 32 apart in the same byte.
void pack_bit(const Codes& codes, unsigned bit, std::uint8_t* packed) {
  for (std::size_t i = 0; i < 32; ++i) {
    unsigned byte = 0;
    for (unsigned run = 0; run < 8; ++run) {
      byte |= (static_cast<unsigned>(codes[32 * run + i]) >> bit & 1u) << run;
    }
    packed[i] = static_cast<std::uint8_t>(byte);
  }
}

}  // namespace

void store_affine_scales(const Scales<Q2KBlock>& scales, const Scales<Q2KBlock>& drops,
                         Q2KBlock& block) {
  const float largest_scale = largest_of(scales);
  const float largest_drop = largest_of(drops);
  const auto scale_codes = scaled_to(15, largest_scale, scales);
  const auto drop_codes = scaled_to(15, largest_drop, drops);
  store_affine_codes(largest_scale / 15.0f, scale_codes, largest_drop / 15.0f, drop_codes, block);
}

void store_affine_scales(const Scales<Q4KBlock>& scales, const Scales<Q4KBlock>& drops,
                         Q4KBlock& block) {
  store_six_bit_scales(scales, drops, block);
}

void store_affine_scales(const Scales<Q5KBlock>& scales, const Scales<Q5KBlock>& drops,
                         Q5KBlock& block) {
  store_six_bit_scales(scales, drops, block);
}

void store_affine_codes(float d, const ScaleCodes<Q2KBlock>& scales, float dmin,
                        const ScaleCodes<Q2KBlock>& drops, Q2KBlock& block) {
  for (std::size_t i = 0; i < scales.size(); ++i) {
    block.scales[i] = static_cast<std::uint8_t>(scales[i] | drops[i] << 4);
  }
  block.d = half_bytes(d);
  block.dmin = half_bytes(dmin);
}

void store_affine_codes(float d, const ScaleCodes<Q4KBlock>& scales, float dmin,
                        const ScaleCodes<Q4KBlock>& drops, Q4KBlock& block) {
  store_six_bits(scales, drops, block.scales);
  block.d = half_bytes(d);
  block.dmin = half_bytes(dmin);
}

void store_affine_codes(float d, const ScaleCodes<Q5KBlock>& scales, float dmin,
                        const ScaleCodes<Q5KBlock>& drops, Q5KBlock& block) {
  ScaleCodes<Q5KBlock> scale_codes = scales;
  ScaleCodes<Q5KBlock> drop_codes = drops;
  for (std::uint8_t& code : scale_codes) code = std::min<std::uint8_t>(code, 63);
  for (std::uint8_t& code : drop_codes) code = std::min<std::uint8_t>(code, 63);
  store_six_bits(scale_codes, drop_codes, block.scales);
  block.d = half_bytes(d);
  block.dmin = half_bytes(dmin);
}

void store_symmetric_scales(const Scales<Q3KBlock>& scales, Q3KBlock& block) {
  const float peak = peak_of(scales);
  ScaleCodes<Q3KBlock> codes{};
  if (peak == 0) {  // whatever the codes: they mean nothing
    store_symmetric_codes(0.0f, codes, block);
    return;
  }
  const float inverse = -32.0f / peak;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const auto code = static_cast<std::int8_t>(nearest_int(inverse * scales[i]));
    codes[i] = static_cast<std::uint8_t>(std::clamp<int>(code, -32, 31) + 32);
  }
  store_symmetric_codes(1 / inverse, codes, block);
}

void store_symmetric_codes(float d, const ScaleCodes<Q3KBlock>& scales, Q3KBlock& block) {
  std::fill_n(block.scales, sizeof block.scales, std::uint8_t{0});
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const unsigned code = scales[i];
    block.scales[i % 8] =
        static_cast<std::uint8_t>(block.scales[i % 8] | (code & 15u) << i / 8 * 4);
    block.scales[8 + i % 4] =
        static_cast<std::uint8_t>(block.scales[8 + i % 4] | code >> 4 << i / 4 * 2);
  }
  block.d = half_bytes(d);
}

bool store_symmetric_scales(const Scales<Q6KBlock>& scales, Q6KBlock& block) {
  const float peak = peak_of(scales);
  if (std::abs(peak) < least_peak) {
    block = {};
    return false;
  }
  const float inverse = -128.0f / peak;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    block.scales[i] = static_cast<std::uint8_t>(std::min(127, nearest_int(inverse * scales[i])));
  }
  block.d = half_bytes(1 / inverse);
  return true;
}

Levels<Q2KBlock> levels_of(const Q2KBlock& block) {
  const float d = from_half_bytes(block.d);
  const float dmin = from_half_bytes(block.dmin);
  Levels<Q2KBlock> levels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const unsigned both = block.scales[i];
    levels[i] = {d * static_cast<float>(both & 15u), dmin * static_cast<float>(both >> 4)};
  }
  return levels;
}

Levels<Q3KBlock> levels_of(const Q3KBlock& block) {
  const float d = from_half_bytes(block.d);
  Levels<Q3KBlock> levels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const unsigned low = static_cast<unsigned>(block.scales[i % 8]) >> i / 8 * 4 & 15u;
    const unsigned high = static_cast<unsigned>(block.scales[8 + i % 4]) >> i / 4 * 2 & 3u;
    levels[i] = {d * static_cast<float>(static_cast<int>(low | high << 4) - 32), 0.0f};
  }
  return levels;
}

Levels<Q4KBlock> levels_of(const Q4KBlock& block) {
  return six_bit_levels(block);
}

Levels<Q5KBlock> levels_of(const Q5KBlock& block) {
  return six_bit_levels(block);
}

Levels<Q6KBlock> levels_of(const Q6KBlock& block) {
  const float d = from_half_bytes(block.d);
  Levels<Q6KBlock> levels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = {d * static_cast<float>(static_cast<std::int8_t>(block.scales[i])), 0.0f};
  }
  return levels;
}

void pack(const Codes& codes, Q2KBlock& block) {
  pack_pairs_of_bits(codes.data(), block.codes);
  pack_pairs_of_bits(codes.data() + 128, block.codes + 32);
}

void pack(const Codes& codes, Q3KBlock& block) {
  pack_bit(codes, 2, block.high);
  Codes low = codes;
  for (std::uint8_t& code : low) code &= 3;
  pack_pairs_of_bits(low.data(), block.codes);
  pack_pairs_of_bits(low.data() + 128, block.codes + 32);
}

void pack(const Codes& codes, Q4KBlock& block) {
  pack_nibbles(codes, block.codes);
}

void pack(const Codes& codes, Q5KBlock& block) {
  pack_nibbles(codes, block.codes);
  pack_bit(codes, 4, block.high);
}

void pack(const Codes& codes, Q6KBlock& block) {
  for (std::size_t run = 0; run < 2; ++run) {
    const std::uint8_t* from = codes.data() + 128 * run;
    std::uint8_t high[128];
    for (std::size_t i = 0; i < 64; ++i) {
      block.low[64 * run + i] = static_cast<std::uint8_t>((from[i] & 15u) | from[i + 64] << 4);
    }
    for (std::size_t i = 0; i < 128; ++i) high[i] = static_cast<std::uint8_t>(from[i] >> 4);
    pack_pairs_of_bits(high, block.high + 32 * run);
  }
}

}  // namespace plimsoll::codecs::ggml
