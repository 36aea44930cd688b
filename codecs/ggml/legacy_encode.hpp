#pragma once

#include <cstddef>

#include "codecs/ggml/encode.hpp"

namespace plimsoll::codecs::ggml {

/// The part of encode() and encode_scalar() that makes Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0.
void encode_legacy(Type type, const Rows& rows, std::byte* blocks) noexcept;
void encode_legacy_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept;

/// What encode_legacy() does with importance, of all but Q8_0.
void encode_legacy_weighted(Type type, const Rows& rows, std::byte* blocks) noexcept;

/// One block of such a type. `importance` of its elements, or null; `mean_square` is that of the
/// whole row, and only means something beside importance.
void encode_legacy_block_scalar(Type type, const float* elements, const float* importance,
                                float mean_square, std::byte* block) noexcept;

}  // namespace plimsoll::codecs::ggml
