#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "codecs/ggml/encode_rounding.hpp"
#include "codecs/ggml/encode_rows.hpp"
#include "codecs/ggml/k_blocks.hpp"
#include "codecs/ggml/k_encode.hpp"

// A super-block is made in three steps: a search finds scales of the sub-blocks, those are
// quantized by a scale of their own, and codes are made anew for what has become of them.
// Sub-blocks whose scale has become zero keep the codes that the search found.

namespace plimsoll::codecs::ggml {
namespace {

template <class Block>
using SubWeights = std::array<float, Block::sub_elements>;

float sum_of_squares(std::span<const float> elements) {
  float sum = 0;
  for (const float x : elements) sum += x * x;
  return sum;
}

/// Weights of errors where no importance matrix says any.
SubWeights<Q2KBlock> magnitudes(std::span<const float> elements) {
  SubWeights<Q2KBlock> weights{};
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::abs(elements[i]);
  return weights;
}
SubWeights<Q6KBlock> squares(std::span<const float> elements) {
  SubWeights<Q6KBlock> weights{};
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = elements[i] * elements[i];
  return weights;
}
SubWeights<Q4KBlock> raised_magnitudes(std::span<const float> elements) {
  SubWeights<Q4KBlock> weights{};
  const float deviation = std::sqrt(sum_of_squares(elements) / 32);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = deviation + std::abs(elements[i]);
  return weights;
}

template <class Block>
SubWeights<Block> plain_weights(std::span<const float> elements) {
  if constexpr (Block::sub_elements == 16)
    return magnitudes(elements);
  else
    return raised_magnitudes(elements);
}

/// Importance, times what the element is against the variance around it.
template <std::size_t count>
std::array<float, count> importance_weights(std::span<const float> elements,
                                            const float* importance, float variance) {
  std::array<float, count> weights{};
  for (std::size_t i = 0; i < count; ++i) {
    weights[i] = importance[i] * std::sqrt(variance + elements[i] * elements[i]);
  }
  return weights;
}

template <std::size_t count>
float sum_of(const std::array<float, count>& weights) {
  float sum = 0;
  for (const float weight : weights) sum += weight;
  return sum;
}

template <class Block>
void recode(const Block& block, std::span<const float> elements, Codes& codes) {
  constexpr std::size_t length = Block::sub_elements;
  const Levels<Block> levels = levels_of(block);
  for (std::size_t sub = 0; sub < levels.size(); ++sub) {
    const Level& level = levels[sub];
    if (level.step == 0) continue;
    for (std::size_t i = sub * length; i < (sub + 1) * length; ++i) {
      const int code = nearest_int((elements[i] + level.offset) / level.step);
      codes[i] =
          static_cast<std::uint8_t>(std::clamp(code, Block::least, Block::largest) - Block::least);
    }
  }
}

template <class Block>
void encode_affine(const KSearch& search, std::span<const float, super_elements> elements,
                   const float* importance, Block& block) {
  constexpr std::size_t length = Block::sub_elements;
  Codes codes;
  Scales<Block> scales;
  Scales<Block> drops;
  Scales<Block> weights;
  const float variance =
      importance == nullptr ? 0.0f : search.variance * sum_of_squares(elements) / super_elements;
  for (std::size_t sub = 0; sub < sub_blocks<Block>; ++sub) {
    const auto its = elements.subspan(sub * length, length);
    const SubWeights<Block> its_weights =
        importance == nullptr
            ? plain_weights<Block>(its)
            : importance_weights<length>(its, importance + sub * length, variance);
    const auto found = search_affine(importance == nullptr ? search.plain : search.weighted, its,
                                     its_weights.data(), codes.data() + sub * length);
    scales[sub] = found.scale;
    drops[sub] = found.drop;
    weights[sub] = sum_of(its_weights);
  }
  if (importance == nullptr) {
    store_affine_scales(scales, drops, block);
  } else {
    ScaleCodes<Block> scale_codes;
    ScaleCodes<Block> drop_codes;
    const float d = search_positive(search.scales, scales, weights.data(), scale_codes.data());
    const float dmin = search_positive(search.scales, drops, weights.data(), drop_codes.data());
    store_affine_codes(d, scale_codes, dmin, drop_codes, block);
  }
  recode(block, elements, codes);
  pack(codes, block);
}

void encode_q3_k(std::span<const float, super_elements> elements, const float* importance,
                 Q3KBlock& block) {
  constexpr std::size_t length = Q3KBlock::sub_elements;
  Codes codes;
  Scales<Q3KBlock> scales;
  if (importance == nullptr) {
    for (std::size_t sub = 0; sub < scales.size(); ++sub) {
      scales[sub] =
          descend_symmetric(4, elements.subspan(sub * length, length), codes.data() + sub * length);
    }
    store_symmetric_scales(scales, block);
  } else {
    const float variance = 2 * sum_of_squares(elements) / super_elements;
    Scales<Q3KBlock> weights;
    for (std::size_t sub = 0; sub < scales.size(); ++sub) {
      const auto its = elements.subspan(sub * length, length);
      const auto its_weights = importance_weights<length>(its, importance + sub * length, variance);
      weights[sub] = sum_of(its_weights);
      scales[sub] = search_symmetric(4, its, its_weights.data(), codes.data() + sub * length);
    }
    ScaleCodes<Q3KBlock> scale_codes;
    const float d = search_symmetric(32, scales, weights.data(), scale_codes.data());
    store_symmetric_codes(d, scale_codes, block);
  }
  recode(block, elements, codes);
  pack(codes, block);
}

void encode_q6_k(std::span<const float, super_elements> elements, const float* importance,
                 Q6KBlock& block) {
  constexpr std::size_t length = Q6KBlock::sub_elements;
  Codes codes;
  Scales<Q6KBlock> scales;
  for (std::size_t sub = 0; sub < scales.size(); ++sub) {
    const auto its = elements.subspan(sub * length, length);
    const auto plain = squares(its);
    const float* weights = importance == nullptr ? plain.data() : importance + sub * length;
    scales[sub] = search_symmetric(32, its, weights, codes.data() + sub * length);
  }
  if (!store_symmetric_scales(scales, block)) return;
  recode(block, elements, codes);
  pack(codes, block);
}

}  // namespace

void encode_k_block_scalar(Type type, const float* elements, const float* importance,
                           std::byte* block) noexcept {
  const std::span<const float, super_elements> span(elements, super_elements);
  switch (type) {
    case Type::q2_k:
      return encode_affine(q2_k_search, span, importance, *reinterpret_cast<Q2KBlock*>(block));
    case Type::q3_k:
      return encode_q3_k(span, importance, *reinterpret_cast<Q3KBlock*>(block));
    case Type::q4_k:
      return encode_affine(q4_k_search, span, importance, *reinterpret_cast<Q4KBlock*>(block));
    case Type::q5_k:
      return encode_affine(q5_k_search, span, importance, *reinterpret_cast<Q5KBlock*>(block));
    default:
      return encode_q6_k(span, importance, *reinterpret_cast<Q6KBlock*>(block));
  }
}

void encode_k_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  const std::size_t block_bytes = traits_of(type).block_bytes;
  for_each_block<super_elements>(rows, [&](const float* elements, const float* importance) {
    encode_k_block_scalar(type, elements, importance, blocks);
    blocks += block_bytes;
  });
}

}  // namespace plimsoll::codecs::ggml
