#pragma once

#include <cstddef>

#include "codecs/element_map.hpp"
#include "codecs/ggml/type.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs::ggml {

/// What a tensor's bytes in a GGUF file are.
struct Stored {
  Type type = Type::f32;              ///< of blocks or plain
  bool swapped = false;               ///< of the other byte order
  ElementMap map = ElementMap::none;  ///< only for floating-point types

  friend bool operator==(const Stored&, const Stored&) = default;
};

/// Bytes of a file -> `count` numbers of `to`, which is F32, F16 or BF16: decoded in fp32, mapped
/// in fp32, rounded once.
///
/// `bytes`: whole blocks, or plain floating-point numbers, of any alignment; they are turned to
/// this machine's byte order in place. `destination`: aligned to its elements, apart from `bytes`.
/// No allocation.
void decode_stored(const Stored& stored, std::byte* bytes, std::size_t count, Dtype to,
                   std::byte* destination) noexcept;

}  // namespace plimsoll::codecs::ggml
