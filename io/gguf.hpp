#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codecs/ggml/type.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "io/gguf_input.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::io {

/// The longest name of a tensor, in bytes, and the most dimensions one has.
inline constexpr std::size_t max_gguf_name_bytes = 63;
inline constexpr std::size_t max_gguf_rank = 4;

/// One tensor of a GGUF file.
struct GgufTensor {
  std::string name;
  codecs::ggml::Type type = codecs::ggml::Type::f32;
  Shape shape;               ///< outermost first; the file lists the sizes the other way around
  std::uint32_t file = 0;    ///< index into GgufCheckpoint::files
  std::uint64_t offset = 0;  ///< from the start of the file
  std::uint64_t bytes = 0;   ///< without the padding behind it
};

/// The bytes of a tensor's data without padding; the rows must be whole blocks. Nothing if the
/// number of elements or that of bytes does not fit 63 bits with the zeros among the sizes left
/// out: the strides of empty tensors then fit as well.
[[nodiscard]] std::optional<std::uint64_t> gguf_tensor_bytes(const Shape& shape,
                                                             codecs::ggml::Type type) noexcept;

/// What one file's header says.
struct GgufHeader {
  std::uint32_t version = 0;  ///< 2 or 3
  bool big_endian = false;    ///< numbers of the tensors' data too
  std::uint32_t alignment = default_gguf_alignment;
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;  ///< in the file's order, which is that of their data; file 0
  std::uint64_t data_offset = 0;  ///< where the data begin; the header's end if there is no tensor
};

/// Reads the header of a GGUF file through `read`; pure but for that. Source: ggml v0.21,
/// gguf.cpp, which accepts whatever is accepted here.
///
/// A file is refused (malformed, if nothing else is said) unless
/// - it begins with "GGUF" and has version 2 or 3, in either byte order (other versions:
///   unsupported);
/// - counts and lengths fit into what follows of the file, and the header into
///   GgufInput::max_header_bytes (unsupported);
/// - keys are not empty, have no NUL and occur once; values have one of the types of GgufType,
/// arrays
///   any but arrays; `general.alignment` is as gguf_alignment wants it;
/// - names of tensors are not empty, at most max_gguf_name_bytes long, have no NUL and occur once;
/// - a tensor has at most max_gguf_rank sizes, none of them negative (zero is fine); its type is
/// known
///   and not one that was removed (unsupported), its rows are whole blocks, and gguf_tensor_bytes
///   finds it not too large;
/// - each tensor's data begin where those before it end, padded to the alignment, and lie within
///   the file. The padding of the last may be missing, and more may follow it.
///
/// Truth values other than 0 and 1 are taken for true. Costs O(n log n) for n tensors and pairs
/// whatever their names, a read each MiB of the header, and memory in proportion to the header
/// (about 20 bytes a byte at worst). Errors carry `file` and the tensor at fault.
[[nodiscard]] Expected<GgufHeader> read_gguf_header(std::uint64_t file_bytes, ReadAt read,
                                                    const std::string& file);

}  // namespace plimsoll::io
