#pragma once

#include <string>
#include <vector>

#include "api/source.hpp"
#include "codecs/ggml/type.hpp"
#include "errors/expected.hpp"
#include "io/gguf_layout.hpp"
#include "io/gguf_metadata.hpp"
#include "plan/blueprint.hpp"

namespace plimsoll {

/// A tensor of the model before it is quantized.
struct GgufTensorSource {
  codecs::ggml::Type type = codecs::ggml::Type::f32;  ///< that its file has, or would have
  bool mapped = false;  ///< its numbers are not the stored ones (io::TensorEntry::map)
};

/// A model as a GGUF file has it, before anything is quantized.
struct GgufModel {
  plan::Blueprints blueprints;            ///< of a split source part by part
  std::vector<GgufTensorSource> sources;  ///< one a blueprint
  io::GgufMetadata metadata;
  io::GgufSplit split;                    ///< the source's own
  std::vector<std::string> missing_keys;  ///< lines about metadata that could not be made
};

/// What a source is as a GGUF model: a GGUF source itself, a published checkpoint under the names,
/// orders and values that GGUF files have. `catalogue` is the source's, and is told how numbers
/// change. unsupported for checkpoints of families that no name table knows.
[[nodiscard]] Expected<GgufModel> gguf_model(const Source& source, io::Catalogue& catalogue);

}  // namespace plimsoll
