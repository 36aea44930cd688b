#pragma once

#include <cstddef>

#include "codecs/ggml/encode.hpp"
#include "codecs/ggml/encode_search.hpp"

namespace plimsoll::codecs::ggml {

/// The part of encode() and encode_scalar() that makes Q2_K to Q6_K.
void encode_k_affine(Type type, const Rows& rows, std::byte* blocks) noexcept;     // Q2, Q4, Q5
void encode_k_symmetric(Type type, const Rows& rows, std::byte* blocks) noexcept;  // Q3, Q6
void encode_k_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept;

/// One super-block of such a type; `importance` of its elements, or null.
void encode_k_block_scalar(Type type, const float* elements, const float* importance,
                           std::byte* block) noexcept;

/// How the scales and minima of a type's sub-blocks are searched for.
struct KSearch {
  AffineSearch plain;
  AffineSearch weighted;  ///< by an importance matrix
  int scales = 0;         ///< the largest quantized scale
  float variance = 0;     ///< times the mean square, joins in the weights
};

inline constexpr KSearch q2_k_search = {
    {3, -0.5f, 0.1f, 15, true}, {3, -0.9f, 0.05f, 36, false}, 15, 1};
inline constexpr KSearch q4_k_search = {
    {15, -1.0f, 0.1f, 20, false}, {15, -0.9f, 0.05f, 36, false}, 63, 2};
inline constexpr KSearch q5_k_search = {
    {31, -0.5f, 0.1f, 15, false}, {31, -0.9f, 0.05f, 36, false}, 63, 2};

}  // namespace plimsoll::codecs::ggml
