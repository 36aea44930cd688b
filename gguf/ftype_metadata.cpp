#include "gguf/ftype_metadata.hpp"

#include <map>
#include <optional>

namespace plimsoll::gguf {
namespace {

using codecs::ggml::Type;
using io::GgufValue;

constexpr std::string_view version_key = "general.quantization_version";
constexpr std::string_view file_type_key = "general.file_type";

/// Of ggml's block types, all of them together.
constexpr std::uint32_t quantization_version = 2;

/// Set in a file type that nobody told.
constexpr std::uint32_t guessed_bit = 1024;

/// What llama.cpp makes of the type that most tensors have; of several the one whose last tensor
/// comes first.
std::uint32_t guessed_file_type(std::span<const io::GgufStoredTensor> tensors) {
  std::map<Type, std::size_t> counts;
  std::size_t most = 0;
  Type type = Type::f32;
  for (const io::GgufStoredTensor& tensor : tensors) {
    const std::size_t count = ++counts[tensor.type];
    if (count <= most) continue;
    most = count;
    type = tensor.type;
  }
  // MXFP4 has a file type, which is not guessed.
  const std::optional<std::uint32_t> id =
      type == Type::mxfp4 ? std::nullopt : file_type_id_of(type);
  return guessed_bit | id.value_or(traits_of(Ftype::f32).id);
}

std::optional<std::uint32_t> file_type_of(const io::GgufMetadata& source, const TypeTarget& target,
                                          std::span<const io::GgufStoredTensor> tensors) {
  if (const auto* const type = std::get_if<Type>(&target)) return file_type_id_of(*type);
  const Ftype ftype = std::get<Ftype>(target);
  if (ftype != Ftype::copy) return traits_of(ftype).id;
  const GgufValue* const told = source.find(file_type_key);
  if (told != nullptr) {
    if (const auto id = told->exactly_at<std::uint32_t>(0)) return *id;
  }
  return guessed_file_type(tensors);
}

GgufValue short_text(std::string_view text) {
  constexpr std::size_t longest = 127;
  return GgufValue::of(text.substr(0, longest));
}

}  // namespace

io::GgufMetadata quantized_metadata(const io::GgufMetadata& source, const TypeTarget& target,
                                    std::span<const io::GgufStoredTensor> tensors,
                                    const ImportanceSource* importance) {
  io::GgufMetadata made = source;
  made.set(std::string(version_key), GgufValue::of(quantization_version));
  if (const auto id = file_type_of(source, target, tensors)) {
    made.set(std::string(file_type_key), GgufValue::of(*id));
  } else {
    made.remove(file_type_key);
  }
  made.remove(io::split_no_key);
  made.remove(io::split_count_key);
  made.remove(io::split_tensors_key);
  if (importance == nullptr) return made;

  const io::ImportanceMatrix& matrix = importance->matrix;
  made.set("quantize.imatrix.file", short_text(importance->path));
  if (!matrix.datasets.empty()) {
    made.set("quantize.imatrix.dataset", short_text(matrix.datasets.front()));
  }
  made.set("quantize.imatrix.entries_count",
           GgufValue::of(static_cast<std::uint32_t>(matrix.tensors.size())));
  if (matrix.chunks > 0) {
    made.set("quantize.imatrix.chunks_count",
             GgufValue::of(static_cast<std::uint32_t>(matrix.chunks)));
  }
  return made;
}

io::GgufSplit kept_split(std::span<const io::GgufTensor> tensors) {
  io::GgufSplit split;
  const std::size_t parts = tensors.empty() ? 1 : tensors.back().file + std::size_t{1};
  if (parts == 1) return split;
  split.keys = io::GgufSplit::Keys::of_quantize;
  split.counts.resize(parts);
  for (const io::GgufTensor& tensor : tensors) ++split.counts[tensor.file];
  return split;
}

}  // namespace plimsoll::gguf
