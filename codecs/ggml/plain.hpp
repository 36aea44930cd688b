#pragma once

#include <optional>

#include "codecs/ggml/type.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs::ggml {

/// The dtype of a plain type's numbers; nothing for types of blocks.
[[nodiscard]] constexpr std::optional<Dtype> dtype_of(Type type) noexcept {
  switch (type) {
    case Type::f32:
      return Dtype::f32;
    case Type::f16:
      return Dtype::f16;
    case Type::bf16:
      return Dtype::bf16;
    case Type::f64:
      return Dtype::f64;
    case Type::i8:
      return Dtype::i8;
    case Type::i16:
      return Dtype::i16;
    case Type::i32:
      return Dtype::i32;
    case Type::i64:
      return Dtype::i64;
    default:
      return std::nullopt;
  }
}

/// The plain type of such numbers; nothing where GGUF has none.
[[nodiscard]] constexpr std::optional<Type> plain_type_of(Dtype dtype) noexcept {
  for (const Type type :
       {Type::f32, Type::f16, Type::bf16, Type::f64, Type::i8, Type::i16, Type::i32, Type::i64}) {
    if (dtype_of(type) == dtype) return type;
  }
  return std::nullopt;
}

}  // namespace plimsoll::codecs::ggml
