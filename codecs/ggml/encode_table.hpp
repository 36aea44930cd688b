#pragma once

#include <cstddef>

#include "codecs/ggml/type.hpp"

namespace plimsoll::codecs::ggml {

/// Encodes `blocks` blocks of consecutive elements, those of one row where `importance`, a weight
/// for each of the elements, is not null. Never allocates or fails.
using EncodeBlocks = void (*)(const float* elements, const float* importance, std::size_t blocks,
                              std::byte* to) noexcept;

/// The quantizer of a type: its scalar definition, and a vector version that gives the same bytes.
struct BlockEncoder {
  Type type;
  EncodeBlocks scalar;
  EncodeBlocks vector;
};

}  // namespace plimsoll::codecs::ggml
