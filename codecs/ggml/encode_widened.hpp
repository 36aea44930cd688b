#pragma once

#include <cstddef>

#include "codecs/ggml/encode.hpp"

namespace plimsoll::codecs::ggml {

/// Encodes `blocks` blocks of consecutive elements, those of one row where `importance`, a weight
/// for each of the elements, is not null. Never allocates or fails.
using EncodeBlocks = void (*)(const float* elements, const float* importance, std::size_t blocks,
                              std::byte* to) noexcept;

/// The quantizers of IQ, ternary, FP4, one- and two-bit types: widen rows to f32, a few blocks at a
/// time on the stack, for the type's EncodeBlocks. See encode() and encode_scalar().
void encode_widened(Type type, const Rows& rows, std::byte* blocks) noexcept;
void encode_widened_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept;

}  // namespace plimsoll::codecs::ggml
