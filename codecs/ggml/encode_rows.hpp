#pragma once

#include <array>
#include <cstddef>

#include "codecs/ggml/encode.hpp"
#include "codecs/scalar_source.hpp"

namespace plimsoll::codecs::ggml {

/// Element `index` of all rows, as fp32.
[[nodiscard]] inline float element_of(const Rows& rows, std::size_t index) {
  return rows.dtype == Dtype::f32   ? load<F32Source>(rows.source, index)
         : rows.dtype == Dtype::f16 ? load<F16Source>(rows.source, index)
                                    : load<Bf16Source>(rows.source, index);
}

/// Calls `encode_block` with every block in turn: its `block_elements` numbers as fp32, and the
/// importance of its columns or null. For scalar code: one number after the other.
template <std::size_t block_elements, class EncodeBlock>
void for_each_block(const Rows& rows, const EncodeBlock& encode_block) {
  for (std::size_t row = 0; row < rows.count; ++row) {
    for (std::size_t column = 0; column < rows.columns; column += block_elements) {
      std::array<float, block_elements> elements;
      for (std::size_t i = 0; i < block_elements; ++i) {
        elements[i] = element_of(rows, row * rows.columns + column + i);
      }
      encode_block(elements.data(),
                   rows.importance == nullptr ? nullptr : rows.importance + column);
    }
  }
}

}  // namespace plimsoll::codecs::ggml
