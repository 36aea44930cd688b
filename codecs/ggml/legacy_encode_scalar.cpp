#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "codecs/ggml/encode_rows.hpp"
#include "codecs/ggml/legacy_blocks.hpp"
#include "codecs/ggml/legacy_encode.hpp"

namespace plimsoll::codecs::ggml {
namespace {

using Elements = std::span<const float, legacy_elements>;
using Weights = std::array<float, legacy_elements>;

/// The low byte of a number without its fraction. Of numbers beyond 32 bits, as of NaN, it is 0.
std::uint8_t truncated_byte(float value) {
  constexpr float limit = 2147483648.0f;
  if (!(value >= -limit && value < limit)) return 0;
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(value));
}

/// What a code may be at most; of Q4_0, Q4_1 and Q5_0 it is a signed byte that is limited.
template <class Block>
std::uint8_t limited(std::uint8_t code) {
  if constexpr (Block::bits == 5 && Block::has_minimum) return code;
  constexpr int largest = (1 << Block::bits) - 1;
  return static_cast<std::uint8_t>(std::min<int>(largest, static_cast<std::int8_t>(code)));
}

float inverse_of(float d) {
  return d != 0 ? 1.0f / d : 0.0f;
}

template <class Block>
void encode_symmetric(Elements elements, Block& block) {
  constexpr int half = 1 << (Block::bits - 1);
  float magnitude = 0;
  float peak = 0;
  for (const float x : elements) {
    if (magnitude < std::abs(x)) {
      magnitude = std::abs(x);
      peak = x;
    }
  }
  const float d = peak / -half;
  const float inverse = inverse_of(d);
  LegacyCodes codes;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = limited<Block>(truncated_byte(elements[i] * inverse + (half + 0.5f)));
  }
  store_f16(d, block.d);
  pack(codes, block);
}

template <class Block>
void encode_affine(Elements elements, Block& block) {
  float minimum = std::numeric_limits<float>::max();
  float maximum = -minimum;
  for (const float x : elements) {
    if (x < minimum) minimum = x;
    if (x > maximum) maximum = x;
  }
  const float d = (maximum - minimum) / ((1 << Block::bits) - 1);
  const float inverse = inverse_of(d);
  LegacyCodes codes;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = limited<Block>(truncated_byte((elements[i] - minimum) * inverse + 0.5f));
  }
  store_f16(d, block.d);
  store_f16(minimum, block.minimum);
  pack(codes, block);
}

void encode_q8_0(Elements elements, Q8_0Block& block) {
  float magnitude = 0;
  for (const float x : elements) {
    magnitude = magnitude > std::abs(x) ? magnitude : std::abs(x);
  }
  const float d = magnitude / 127;
  const float inverse = inverse_of(d);
  store_f16(d, block.d);
  for (std::size_t i = 0; i < legacy_elements; ++i) {
    block.codes[i] = truncated_byte(std::round(elements[i] * inverse));
  }
}

template <class Block>
void encode_weighted(Elements elements, const float* importance, float mean_square, Block& block) {
  Weights weights;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = importance[i] * std::sqrt(mean_square + elements[i] * elements[i]);
  }
  LegacyCodes codes;
  if constexpr (Block::has_minimum) {
    const Affine found =
        search_affine(legacy_search<Block>, elements, weights.data(), codes.data());
    store_f16(found.scale, block.d);
    store_f16(-found.drop, block.minimum);
  } else {
    constexpr int half = 1 << (Block::bits - 1);
    store_f16(search_symmetric(half, elements, weights.data(), codes.data()), block.d);
  }
  pack(codes, block);
}

template <class Block>
void encode_block(Elements elements, const float* importance, float mean_square, std::byte* bytes) {
  auto& block = *reinterpret_cast<Block*>(bytes);
  if (importance != nullptr) {
    encode_weighted(elements, importance, mean_square, block);
  } else if constexpr (Block::has_minimum) {
    encode_affine(elements, block);
  } else {
    encode_symmetric(elements, block);
  }
}

float mean_square_of(const Rows& rows, std::size_t row) {
  float sum = 0;
  for (std::size_t i = row * rows.columns; i < (row + 1) * rows.columns; ++i) {
    const float x = element_of(rows, i);
    sum += x * x;
  }
  return sum / static_cast<float>(rows.columns);
}

}  // namespace

void encode_legacy_block_scalar(Type type, const float* elements, const float* importance,
                                float mean_square, std::byte* block) noexcept {
  const Elements span(elements, legacy_elements);
  switch (type) {
    case Type::q4_0:
      return encode_block<Q4_0Block>(span, importance, mean_square, block);
    case Type::q4_1:
      return encode_block<Q4_1Block>(span, importance, mean_square, block);
    case Type::q5_0:
      return encode_block<Q5_0Block>(span, importance, mean_square, block);
    case Type::q5_1:
      return encode_block<Q5_1Block>(span, importance, mean_square, block);
    default:
      return encode_q8_0(span, *reinterpret_cast<Q8_0Block*>(block));
  }
}

void encode_legacy_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  const Traits& traits = traits_of(type);
  for (std::size_t row = 0; row < rows.count; ++row) {
    const bool weighted = rows.importance != nullptr && traits.importance == Importance::used;
    const float mean_square = weighted ? mean_square_of(rows, row) : 0.0f;
    Rows one = rows;
    one.source += row * rows.columns * (bits_of(rows.dtype) / 8);
    one.count = 1;
    for_each_block<legacy_elements>(one, [&](const float* elements, const float* importance) {
      encode_legacy_block_scalar(type, elements, importance, mean_square, blocks);
      blocks += traits.block_bytes;
    });
  }
}

}  // namespace plimsoll::codecs::ggml
