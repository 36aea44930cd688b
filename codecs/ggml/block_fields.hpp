#pragma once

#include <cstdint>
#include <cstring>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs::ggml {

// Fields of a block in memory: little-endian, of any alignment.

[[nodiscard]] inline std::uint16_t u16_at(const std::uint8_t* field) {
  std::uint16_t value;
  std::memcpy(&value, field, sizeof value);
  return value;
}

[[nodiscard]] inline std::uint32_t u32_at(const std::uint8_t* field) {
  std::uint32_t value;
  std::memcpy(&value, field, sizeof value);
  return value;
}

[[nodiscard]] inline float f16_at(const std::uint8_t* field) {
  return f32_from_f16(u16_at(field));
}

}  // namespace plimsoll::codecs::ggml
