#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plimsoll::codecs::ggml {

// Super-blocks of the K types as ggml stores them: bytes of any alignment, f16 little-endian. How
// scales and codes are laid into one, and read back. Codes come one a byte, `super_elements` of
// them.

inline constexpr std::size_t super_elements = 256;

using Codes = std::array<std::uint8_t, super_elements>;
using HalfBytes = std::array<std::uint8_t, 2>;

/// What codes of a sub-block mean: an element plus `offset` is about `step` times its code.
struct Level {
  float step = 0;
  float offset = 0;
};

struct Q2KBlock {
  static constexpr std::size_t sub_elements = 16;
  static constexpr int least = 0;
  static constexpr int largest = 3;
  std::uint8_t scales[16];  ///< low nibble the scale, high nibble the minimum
  std::uint8_t codes[64];
  HalfBytes d;
  HalfBytes dmin;
};

struct Q3KBlock {
  static constexpr std::size_t sub_elements = 16;
  static constexpr int least = -4;
  static constexpr int largest = 3;
  std::uint8_t high[32];
  std::uint8_t codes[64];
  std::uint8_t scales[12];
  HalfBytes d;
};

struct Q4KBlock {
  static constexpr std::size_t sub_elements = 32;
  static constexpr int least = 0;
  static constexpr int largest = 15;
  HalfBytes d;
  HalfBytes dmin;
  std::uint8_t scales[12];
  std::uint8_t codes[128];
};

struct Q5KBlock {
  static constexpr std::size_t sub_elements = 32;
  static constexpr int least = 0;
  static constexpr int largest = 31;
  HalfBytes d;
  HalfBytes dmin;
  std::uint8_t scales[12];
  std::uint8_t high[32];
  std::uint8_t codes[128];
};

struct Q6KBlock {
  static constexpr std::size_t sub_elements = 16;
  static constexpr int least = -32;
  static constexpr int largest = 31;
  std::uint8_t low[128];
  std::uint8_t high[64];
  std::uint8_t scales[16];  ///< signed
  HalfBytes d;
};

static_assert(sizeof(Q2KBlock) == 84 && sizeof(Q3KBlock) == 110 && sizeof(Q4KBlock) == 144 &&
              sizeof(Q5KBlock) == 176 && sizeof(Q6KBlock) == 210);

/// Sub-blocks of a super-block of this type.
template <class Block>
inline constexpr std::size_t sub_blocks = super_elements / Block::sub_elements;

/// A number for every sub-block.
template <class Block>
using Scales = std::array<float, sub_blocks<Block>>;

/// A quantized scale, or minimum, for every sub-block.
template <class Block>
using ScaleCodes = std::array<std::uint8_t, sub_blocks<Block>>;

/// Scales and minima of sub-blocks as search_affine() found them, quantized without weights.
void store_affine_scales(const Scales<Q2KBlock>& scales, const Scales<Q2KBlock>& drops,
                         Q2KBlock& block);
void store_affine_scales(const Scales<Q4KBlock>& scales, const Scales<Q4KBlock>& drops,
                         Q4KBlock& block);
void store_affine_scales(const Scales<Q5KBlock>& scales, const Scales<Q5KBlock>& drops,
                         Q5KBlock& block);

/// The same when the quantized ones have been found already, for the super-scales `d` and `dmin`.
void store_affine_codes(float d, const ScaleCodes<Q2KBlock>& scales, float dmin,
                        const ScaleCodes<Q2KBlock>& drops, Q2KBlock& block);
void store_affine_codes(float d, const ScaleCodes<Q4KBlock>& scales, float dmin,
                        const ScaleCodes<Q4KBlock>& drops, Q4KBlock& block);
void store_affine_codes(float d, const ScaleCodes<Q5KBlock>& scales, float dmin,
                        const ScaleCodes<Q5KBlock>& drops, Q5KBlock& block);

/// Scales of sub-blocks as a symmetric search found them. False if all are as good as zero in Q6_K:
/// the block has been written as zeros then, and is ready.
void store_symmetric_scales(const Scales<Q3KBlock>& scales, Q3KBlock& block);
[[nodiscard]] bool store_symmetric_scales(const Scales<Q6KBlock>& scales, Q6KBlock& block);

/// The same for Q3_K when the quantized ones (0 to 63, 32 is zero) have been found already.
void store_symmetric_codes(float d, const ScaleCodes<Q3KBlock>& scales, Q3KBlock& block);

template <class Block>
using Levels = std::array<Level, sub_blocks<Block>>;

/// What the stored scales make of codes, for every sub-block.
[[nodiscard]] Levels<Q2KBlock> levels_of(const Q2KBlock& block);
[[nodiscard]] Levels<Q3KBlock> levels_of(const Q3KBlock& block);
[[nodiscard]] Levels<Q4KBlock> levels_of(const Q4KBlock& block);
[[nodiscard]] Levels<Q5KBlock> levels_of(const Q5KBlock& block);
[[nodiscard]] Levels<Q6KBlock> levels_of(const Q6KBlock& block);

/// Lays codes, counted from 0 up, into the block.
void pack(const Codes& codes, Q2KBlock& block);
void pack(const Codes& codes, Q3KBlock& block);
void pack(const Codes& codes, Q4KBlock& block);
void pack(const Codes& codes, Q5KBlock& block);
void pack(const Codes& codes, Q6KBlock& block);

}  // namespace plimsoll::codecs::ggml
