#pragma once

#include <cstdint>

namespace plimsoll::codecs::ggml {

/// The 6-bit scale and least value of a sub-block of Q4_K or Q5_K.
struct ScaleAndLeast {
  std::uint8_t scale;
  std::uint8_t least;
};

/// Sub-block 0 to 7 of the twelve bytes that hold eight pairs: the first four pairs in the low six
/// bits of bytes of their own; of the others, four bits each in the last bytes, and two above the
/// first pairs.
[[nodiscard]] constexpr ScaleAndLeast scale_and_least(const std::uint8_t* packed, unsigned i) {
  if (i < 4) {
    return {static_cast<std::uint8_t>(packed[i] & 63u),
            static_cast<std::uint8_t>(packed[i + 4] & 63u)};
  }
  return {static_cast<std::uint8_t>((packed[i + 4] & 15u) | (packed[i - 4] >> 6) << 4),
          static_cast<std::uint8_t>(packed[i + 4] >> 4 | (packed[i] >> 6) << 4)};
}

/// The scale, -32 to 31, of sub-block 0 to 15 of Q3_K: four bits in the first eight of twelve
/// bytes, two in the last four.
[[nodiscard]] constexpr int q3_scale(const std::uint8_t* packed, unsigned i) {
  const unsigned low = packed[i % 8] >> (i < 8 ? 0 : 4) & 15u;
  const unsigned high = packed[8 + i % 4] >> 2 * (i / 4) & 3u;
  return static_cast<int>(low | high << 4) - 32;
}

}  // namespace plimsoll::codecs::ggml
