#pragma once

#include <cstddef>

#include "codecs/ggml/decode.hpp"

namespace plimsoll::codecs::ggml {

// decode() for the types of one family; those of others, and what a machine has no vector code for,
// are left to the scalar code.

void decode_legacy(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                   std::byte* destination) noexcept;
void decode_k(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
              std::byte* destination) noexcept;
void decode_iq(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
               std::byte* destination) noexcept;  ///< of grids: IQ1 to IQ3
void decode_four_bits(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                      std::byte* destination) noexcept;  ///< IQ4 and FP4
void decode_few_bits(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                     std::byte* destination) noexcept;

}  // namespace plimsoll::codecs::ggml
