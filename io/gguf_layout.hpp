#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "codecs/ggml/type.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::io {

/// One tensor to be stored in a GGUF file.
struct GgufStoredTensor {
  std::string name;
  codecs::ggml::Type type = codecs::ggml::Type::f32;
  Shape shape;  ///< outermost first
};

/// Where a stored tensor's data lie. What is between `bytes` and `padded_bytes` is zero.
struct GgufPlace {
  std::uint32_t part = 0;
  std::uint64_t offset = 0;        ///< from the start of the part's file
  std::uint64_t bytes = 0;         ///< of the data
  std::uint64_t padded_bytes = 0;  ///< up to the next tensor's data, or the end of the file
};

/// One output file: `header` is its complete head with the zeros up to the data, which begin at
/// header.size().
struct GgufPart {
  std::string header;
  std::uint32_t alignment = default_gguf_alignment;
  std::uint64_t bytes = 0;  ///< of the whole file; the last tensor is padded as all are
  std::uint32_t first_tensor = 0;
  std::uint32_t tensor_count = 0;
};

/// The files of a GGUF model, exactly, before anything is written. Pure data.
struct GgufLayout {
  std::vector<GgufPart> parts;
  std::vector<GgufPlace> places;  ///< one a stored tensor, in the order given
};

/// How tensors are spread over the parts of a split model, and what the parts' metadata say of it.
/// Each of the programs that split models sets the same three keys, in an order of its own.
struct GgufSplit {
  enum class Keys : std::uint8_t {
    none,         ///< one file, no keys
    of_quantize,  ///< as llama-quantize with --keep-split: number, count, tensors
    of_split,     ///< as llama-gguf-split: number, tensors, count
  };
  Keys keys = Keys::none;
  /// How many tensors, in the order given, each part has; ignored without keys.
  std::vector<std::uint32_t> counts;
};

/// Fills parts in the order given, as llama-gguf-split does with --split-max-size: a part is closed
/// when the next tensor, padded to default_gguf_alignment, would carry its data over `part_bytes`
/// (one tensor alone may; llama-gguf-split refuses that for the first). `empty_first`: the first
/// part has metadata only. Takes tensors that lay_out_gguf accepts.
[[nodiscard]] GgufSplit split_gguf_by_bytes(std::span<const GgufStoredTensor> tensors,
                                            std::uint64_t part_bytes, bool empty_first);

/// The same with at most `part_tensors` (not 0) in a part, as with --split-max-tensors.
[[nodiscard]] GgufSplit split_gguf_by_count(std::size_t tensors, std::uint32_t part_tensors,
                                            bool empty_first);

/// The files that ggml's own writer makes of this content, byte for byte: version 3, little-endian,
/// tensors in the order given, each part aligned as gguf_alignment reads its own metadata. Sizes of
/// 1 before the first other one are left out of a shape, as ggml does (a tensor has one size at
/// least). Split keys that the metadata may have are replaced by those of `split`. Of a split model
/// only the first part has all metadata, so the others have the default alignment.
///
/// Errors (`file` names the output in them): unsupported for what GGUF cannot hold (names that are
/// empty, longer than max_gguf_name_bytes or have a NUL, more than max_gguf_rank sizes, rows that
/// are no whole blocks of the type, more tensors or parts than the keys can tell, sizes beyond 63
/// bits); those of gguf_alignment; internal where a name occurs twice or `split` does not add up.
[[nodiscard]] Expected<GgufLayout> lay_out_gguf(const GgufMetadata& metadata,
                                                std::span<const GgufStoredTensor> tensors,
                                                const GgufSplit& split, const std::string& file);

}  // namespace plimsoll::io
