#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs::ggml {

// Fields of blocks, which are little-endian and of any alignment.

inline void store_u8(std::byte* to, std::uint32_t value) {
  *to = static_cast<std::byte>(value);
}

inline void store_u16(std::byte* to, std::uint32_t value) {
  store_u8(to, value);
  store_u8(to + 1, value >> 8);
}

inline void store_u32(std::byte* to, std::uint32_t value) {
  store_u16(to, value);
  store_u16(to + 2, value >> 16);
}

inline void store_f16(std::byte* to, float value) {
  store_u16(to, f16_from_f32(value));
}

}  // namespace plimsoll::codecs::ggml
