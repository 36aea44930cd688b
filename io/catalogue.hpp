#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "codecs/element_map.hpp"
#include "codecs/ggml/type.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::io {

/// A tensor's sizes, outermost first. Empty for rank 0 (one element).
using Shape = std::vector<std::uint64_t>;

/// The product of the sizes; 1 for rank 0. Only for shapes that were validated not to overflow.
[[nodiscard]] std::uint64_t element_count(const Shape& shape) noexcept;

/// One file that holds weights.
struct SourceFile {
  std::string path;         ///< as it can be opened
  std::uint64_t bytes = 0;  ///< length of the whole file
};

/// How the numbers of a tensor lie in its file, where that is not the row-major order of its shape:
/// the file's numbers are a row-major tensor of sizes `stored`; with its axes in the order `axes`
/// (axis i of the result is axis axes[i] of `stored`) it has the numbers of the tensor in order.
struct StoredOrder {
  Shape stored;
  std::vector<std::uint32_t> axes;
  friend bool operator==(const StoredOrder&, const StoredOrder&) = default;
};

/// One stored tensor. `offset` counts from the start of its file, in bytes, and has any alignment.
struct TensorEntry {
  std::string name;
  Dtype dtype = Dtype::f32;
  Shape shape;
  std::uint32_t file = 0;  ///< index into Catalogue::files
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  // Only GGUF files need the rest.
  /// The numbers are in blocks of this type, which lie along the rows of the stored order, and
  /// `dtype` is F32, what they decode to. Nothing: plain numbers of `dtype`.
  std::optional<codecs::ggml::Type> blocks{};
  bool swapped = false;                               ///< of the other byte order
  codecs::ElementMap map = codecs::ElementMap::none;  ///< of the file's numbers to the tensor's
  std::uint32_t order = 0;  ///< 0: row-major; else one more than an index into Catalogue::orders

  /// Whether its bytes have to be decoded before they are numbers of `dtype`.
  [[nodiscard]] bool is_coded() const noexcept {
    return blocks.has_value() || swapped || map != codecs::ElementMap::none;
  }
};

enum class ContainerFormat : std::uint8_t { safetensors, gguf };

/// Every tensor of a checkpoint, made from headers alone. Validated: names are unique, every byte
/// range lies inside its file and no two overlap (of GGUF the experts of one stored tensor are
/// tensors of their own). Sorted by file, then by offset.
struct Catalogue {
  ContainerFormat format = ContainerFormat::safetensors;
  std::string directory;  ///< where config.json and the like are looked for
  std::vector<SourceFile> files;
  std::vector<TensorEntry> tensors;
  std::vector<StoredOrder> orders;              ///< see TensorEntry::order
  std::map<std::string, std::string> metadata;  ///< `__metadata__` of the first file
};

}  // namespace plimsoll::io
