#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "codecs/ggml/encode_search.hpp"

namespace plimsoll::codecs::ggml {

// Blocks of Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 as ggml stores them: bytes of any alignment, numbers
// little-endian. Codes of elements 16 apart share a byte, the earlier one in the low nibble.

inline constexpr std::size_t legacy_elements = 32;

using LegacyCodes = std::array<std::uint8_t, legacy_elements>;

struct Q4_0Block {
  static constexpr unsigned bits = 4;
  static constexpr bool has_minimum = false;
  std::uint8_t d[2];
  std::uint8_t codes[16];
};

struct Q4_1Block {
  static constexpr unsigned bits = 4;
  static constexpr bool has_minimum = true;
  std::uint8_t d[2];
  std::uint8_t minimum[2];
  std::uint8_t codes[16];
};

struct Q5_0Block {
  static constexpr unsigned bits = 5;
  static constexpr bool has_minimum = false;
  std::uint8_t d[2];
  std::uint8_t high[4];  ///< the fifth bits, one after the other
  std::uint8_t codes[16];
};

struct Q5_1Block {
  static constexpr unsigned bits = 5;
  static constexpr bool has_minimum = true;
  std::uint8_t d[2];
  std::uint8_t minimum[2];
  std::uint8_t high[4];
  std::uint8_t codes[16];
};

struct Q8_0Block {
  std::uint8_t d[2];
  std::uint8_t codes[32];  ///< signed
};

static_assert(sizeof(Q4_0Block) == 18 && sizeof(Q4_1Block) == 20 && sizeof(Q5_0Block) == 22 &&
              sizeof(Q5_1Block) == 24 && sizeof(Q8_0Block) == 34);

/// How scales and minima are searched for where there is importance.
template <class Block>
inline constexpr AffineSearch legacy_search = {(1 << Block::bits) - 1, -0.9f, 0.05f, 36, false};

inline void store_f16(float value, std::uint8_t (&bytes)[2]) {
  const std::uint16_t bits = f16_scale(value);
  bytes[0] = static_cast<std::uint8_t>(bits);
  bytes[1] = static_cast<std::uint8_t>(bits >> 8);
}

/// Lays codes of Q4_0 to Q5_1 into the block.
template <class Block>
void pack(const LegacyCodes& codes, Block& block) {
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned high = Block::bits == 4 ? codes[i + 16] : codes[i + 16] & 15u;
    const unsigned low = Block::bits == 4 ? codes[i] : codes[i] & 15u;
    block.codes[i] = static_cast<std::uint8_t>(low | high << 4);
  }
  if constexpr (Block::bits == 5) {
    std::uint32_t high = 0;
    for (std::size_t i = 0; i < legacy_elements; ++i) {
      high |= (static_cast<std::uint32_t>(codes[i]) >> 4 & 1u) << i;
    }
    for (std::size_t i = 0; i < 4; ++i) block.high[i] = static_cast<std::uint8_t>(high >> 8 * i);
  }
}

}  // namespace plimsoll::codecs::ggml
