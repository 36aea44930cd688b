#pragma once

#include <cstddef>

#include "codecs/ggml/type.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs::ggml {

/// Whether decode() knows a type: all block types but q8_1, which no file holds. Plain types are
/// cast() from their dtype.
[[nodiscard]] bool can_decode(Type type) noexcept;

/// Decodes `count` blocks to f32, bf16 or f16.
///
/// Values are those of ggml v0.21: its operations in its order, each rounded to f32; bit for bit,
/// but for the sign and payload of NaN, which are not promised. The 16-bit dtypes are rounded once
/// more, to nearest even, as cast() does.
/// `type`: one that can_decode(). `blocks`: little-endian, of any alignment; any bytes are good.
/// `destination`: count * block_elements elements, aligned to them; does not overlap the blocks.
/// No allocation; values go to their dtype in registers. Safe from any thread. Vector code chosen
/// at run time; the bytes are those of decode_scalar().
void decode(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
            std::byte* destination) noexcept;

/// The same bytes from plain scalar code: the definition that decode() is tested against.
void decode_scalar(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                   std::byte* destination) noexcept;

/// Turns `count` blocks of a big-endian file into those of a little-endian one, in place, or back:
/// reverses the bytes of every field of more than one byte. A block of a plain type is an element.
/// Fields are what ggml reads or writes as one number, so also the words of IQ2_XXS and IQ3_XXS,
/// the high bits of Q5_0 and Q5_1, and the scales of IQ1_M. Any type, any alignment, any bytes.
void swap_byte_order(Type type, std::byte* blocks, std::size_t count) noexcept;

}  // namespace plimsoll::codecs::ggml
