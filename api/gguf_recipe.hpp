#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/source.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "io/imatrix.hpp"
#include "plan/assign_formats.hpp"
#include "plan/gguf_files.hpp"

namespace plimsoll {

/// What becomes of every tensor of a GGUF result, and how its files are described.
struct GgufRecipe {
  std::vector<plan::Treatment> treatments;         ///< one a blueprint
  std::vector<std::span<const float>> importance;  ///< one a blueprint; of `matrix`
  std::vector<std::string> left_out;               ///< tensors that a --skip or keep held back
  std::vector<std::string> warnings;               ///< lines for people
  plan::GgufTarget target;
  io::ImportanceMatrix matrix;
};

/// A tensor of the model before it is quantized: the type that its source file has, or would have.
struct GgufTensorSource {
  codecs::ggml::Type type = codecs::ggml::Type::f32;
  std::uint32_t part = 0;  ///< of a split source
  bool mapped = false;     ///< its numbers are not the stored ones (io::TensorEntry::map)
};

/// unsupported, naming `out`, where the settings ask for a format that a GGUF model does not hold.
[[nodiscard]] Expected<void> check_gguf_formats(const config::RecipeSettings& settings,
                                                const std::string& out);

/// Decides as llama-quantize does (gguf/tensor_types.hpp) on the result of `settings`, whose `to`
/// is an ftype, a type, a cast, or keep. A --match goes before that, the first one that is found; a
/// --skip holds a tensor back. `metadata` are those of the model before it is quantized; `sources`:
/// one a blueprint. `out`: the file that is written, PREFIX.gguf.
///
/// Errors: those of gguf::choose_tensor_types and io::read_imatrix; unsupported for formats that a
/// GGUF model does not hold.
[[nodiscard]] Expected<GgufRecipe> gguf_recipe(const config::Settings& settings,
                                               const plan::Blueprints& blueprints,
                                               std::span<const GgufTensorSource> sources,
                                               const io::GgufMetadata& metadata,
                                               const std::string& file, const std::string& out);

}  // namespace plimsoll
