#pragma once

#include <cstddef>

#include "codecs/ggml/type.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs::ggml {

/// Consecutive rows of a matrix in memory.
struct Rows {
  Dtype dtype = Dtype::f32;           ///< f32, bf16 or f16
  const std::byte* source = nullptr;  ///< aligned to its elements
  std::size_t count = 0;
  std::size_t columns = 0;  ///< a multiple of the type's block_elements
  /// The weight of every column's error, `columns` floats; null for none. Ones are not the same as
  /// none: most searches differ.
  const float* importance = nullptr;
};

/// Makes ready what a type's quantizer looks up (the neighbours of the IQ types' grid points, a few
/// megabytes, tens of milliseconds); nothing for other types. Allocates once in a process, from
/// whatever thread comes first; to be called before the first encode() of such a type.
void prepare_encoder(Type type);

/// Quantizes rows as ggml v0.21's reference quantizers do, byte for byte.
///
/// `type`: one whose traits say `encodes`, of blocks; where importance is `needed`, rows.importance
/// is not null. `blocks`: count * columns / block_elements blocks, of any alignment, written
/// little-endian; does not overlap the source. Works on a few blocks of f32 at a time, on the
/// stack: no allocation; safe from any thread. Numbers that are not finite give some blocks, never
/// a crash. Vector code chosen at run time; the bytes are those of encode_scalar().
void encode(Type type, const Rows& rows, std::byte* blocks) noexcept;

/// The same bytes from plain scalar code: the definition that encode() is tested against.
void encode_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept;

}  // namespace plimsoll::codecs::ggml
