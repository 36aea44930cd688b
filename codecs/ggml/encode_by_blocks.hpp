#pragma once

#include <cstddef>

#include "codecs/ggml/encode.hpp"

namespace plimsoll::codecs::ggml {

/// The types whose blocks know nothing of each other: the IQ, ternary, FP4 and few-bit types. As
/// prepare_encoder(), encode() and encode_scalar().
void prepare_blocks(Type type);
void encode_by_blocks(Type type, const Rows& rows, std::byte* blocks) noexcept;
void encode_by_blocks_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept;

}  // namespace plimsoll::codecs::ggml
