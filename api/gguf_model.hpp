#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/source.hpp"
#include "codecs/ggml/type.hpp"
#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "io/gguf_layout.hpp"
#include "io/gguf_metadata.hpp"
#include "plan/blueprint.hpp"

namespace plimsoll {

/// A tensor of the model before it is quantized.
struct GgufTensorSource {
  codecs::ggml::Type type = codecs::ggml::Type::f32;  ///< that its file has, or would have
  bool mapped = false;  ///< its numbers are not the stored ones: mapped, or in FP8 with scales
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
/// change; `facts` are those of config.json. Weights in FP8 with scales count as
/// numbers of the dtype that config.json names (bf16 if none).
///
/// Errors: unsupported for checkpoints of families that no name table knows, or that are quantized
/// in another way; those of gguf::from_hub and plan::find_tile_scales.
[[nodiscard]] Expected<GgufModel> gguf_model(const Source& source,
                                             const std::optional<config::HfConfig>& facts,
                                             io::Catalogue& catalogue);

}  // namespace plimsoll
