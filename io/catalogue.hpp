#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

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

/// One stored tensor. `offset` counts from the start of its file, in bytes, and has any alignment.
struct TensorEntry {
  std::string name;
  Dtype dtype = Dtype::f32;
  Shape shape;
  std::uint32_t file = 0;  ///< index into Catalogue::files
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

enum class ContainerFormat : std::uint8_t { safetensors };

/// Every tensor of a checkpoint, made from headers alone. Validated: names are unique, every byte
/// range lies inside its file and no two overlap. Sorted by file, then by offset.
struct Catalogue {
  ContainerFormat format = ContainerFormat::safetensors;
  std::string directory;  ///< where config.json and the like are looked for
  std::vector<SourceFile> files;
  std::vector<TensorEntry> tensors;
  std::map<std::string, std::string> metadata;  ///< `__metadata__` of the first file
};

}  // namespace plimsoll::io
