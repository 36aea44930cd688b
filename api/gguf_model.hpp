#pragma once

#include <string>
#include <vector>

#include "api/gguf_recipe.hpp"
#include "api/source.hpp"
#include "errors/expected.hpp"
#include "io/gguf_metadata.hpp"
#include "plan/blueprint.hpp"

namespace plimsoll {

/// A model as a GGUF file has it, before anything is quantized.
struct GgufModel {
  plan::Blueprints blueprints;
  std::vector<GgufTensorSource> sources;  ///< one a blueprint
  io::GgufMetadata metadata;
  std::vector<std::string> missing_keys;  ///< lines about metadata that could not be made
};

/// What a source is as a GGUF model: a GGUF source itself, a published checkpoint under the names,
/// orders and values that GGUF files have. `catalogue` is the source's, and is told how numbers
/// change. unsupported for checkpoints of families that no name table knows.
[[nodiscard]] Expected<GgufModel> gguf_model(const Source& source, io::Catalogue& catalogue);

}  // namespace plimsoll
