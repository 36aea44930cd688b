#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace plimsoll::codecs::ggml {

/// Tensor types of GGUF, numbered as in the files. Source: ggml v0.21, `enum ggml_type`; the ids 4,
/// 5, 31 to 33 and 36 to 38 were removed there and are no type here.
enum class Type : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,  ///< of computations only: no file holds it
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,  ///< of computations: decoded, never made
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40,
  q1_0 = 41,
  q2_0 = 42,
};

/// What a quantizer does with an importance matrix.
enum class Importance : std::uint8_t { ignored, used, needed };

/// How a type stores its numbers: blocks of consecutive elements of a row, each of so many bytes. A
/// plain type has blocks of one element.
struct Traits {
  Type type = Type::f32;
  std::string_view name;             ///< ggml's own spelling: "q4_K"
  std::uint32_t block_elements = 1;  ///< 1 for plain types
  std::uint32_t block_bytes = 4;
  bool encodes = false;  ///< ggml can quantize to it (plain floats count; integers do not)
  Importance importance = Importance::ignored;
};

/// The traits of a known type.
[[nodiscard]] const Traits& traits_of(Type type) noexcept;

/// The type with this id in a file; nothing for removed and unknown ids.
[[nodiscard]] std::optional<Type> type_of(std::uint32_t id) noexcept;

/// The type of this name, whatever the case of its letters; nothing for unknown names.
[[nodiscard]] std::optional<Type> type_of(std::string_view name) noexcept;

/// All types, in the order of their ids.
[[nodiscard]] std::span<const Traits> all_types() noexcept;

/// True for types whose blocks hold codes and scales.
[[nodiscard]] bool is_block_type(Type type) noexcept;

}  // namespace plimsoll::codecs::ggml
