#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "codecs/ggml/ftype.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/gguf_layout.hpp"
#include "io/gguf_metadata.hpp"
#include "io/imatrix.hpp"

namespace plimsoll::gguf {

using codecs::ggml::Ftype;
using codecs::ggml::TypeTarget;

/// Where the importance matrix came from, for those who look at the file later.
struct ImportanceSource {
  std::string_view path;
  const io::ImportanceMatrix& matrix;
};

/// The metadata of a quantized model, as llama-quantize (llama.cpp b8871) changes those of the
/// source: general.quantization_version and general.file_type stand last, then what is said of the
/// importance matrix (null: there is none), its path and first dataset cut to 127 bytes; the keys
/// of split models are gone. Where tensors go to the parts of a split model again, the layout adds
/// those (io::GgufSplit::Keys::of_quantize). All else stays as it is.
///
/// `tensors` have the types of the source and stand in io::llama_quantize_order. They count only
/// where tensors are copied and the source lacks general.file_type: it is guessed then from the
/// most frequent type, and marked as a guess. A type as target that llama.cpp knows no file type
/// for leaves general.file_type out.
[[nodiscard]] io::GgufMetadata quantized_metadata(const io::GgufMetadata& source,
                                                  const TypeTarget& target,
                                                  std::span<const io::GgufStoredTensor> tensors,
                                                  const ImportanceSource* importance);

/// The parts of a quantized model that keeps those of the source, as llama-quantize makes them with
/// --keep-split: tensors stay in their part; parts at the end that have none are not there. Takes
/// a checkpoint's tensors, in its order.
[[nodiscard]] io::GgufSplit kept_split(std::span<const io::GgufTensor> tensors);

}  // namespace plimsoll::gguf
