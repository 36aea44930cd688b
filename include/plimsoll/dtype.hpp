#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plimsoll/export.hpp"

namespace plimsoll {

/// Element types of the safetensors format. The enumerators stand in the format's own order, from
/// the one its writers place last to the one they place first: a checkpoint's tensors are sorted by
/// descending Dtype, then by name. Source: safetensors, `Dtype`.
enum class Dtype : std::uint8_t {
  boolean,
  f4_e2m1,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

inline constexpr int dtype_count = 22;

/// Bits of one element; 4 and 6 for the sub-byte floats.
[[nodiscard]] PLIMSOLL_API unsigned bits_of(Dtype dtype) noexcept;

/// The safetensors spelling, for example "BF16" or "F8_E4M3". Static storage.
[[nodiscard]] PLIMSOLL_API std::string_view name_of(Dtype dtype) noexcept;

/// The inverse of name_of; nothing for a spelling the format does not have.
[[nodiscard]] PLIMSOLL_API std::optional<Dtype> dtype_of(std::string_view name) noexcept;

/// True for every real floating-point type, the sub-byte and eight-bit ones included. C64 is none.
[[nodiscard]] PLIMSOLL_API bool is_floating_point(Dtype dtype) noexcept;

}  // namespace plimsoll
