#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/gguf_model.hpp"
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

/// unsupported, naming `out`, where the settings ask for a format that a GGUF model does not hold.
[[nodiscard]] Expected<void> check_gguf_formats(const config::RecipeSettings& settings,
                                                const std::string& out);

/// Decides as llama-quantize does (gguf/tensor_types.hpp) on the result of `settings`, whose `to`
/// is an ftype, a type, a cast, or keep. A --match goes before that, the first one that is found; a
/// --skip holds a tensor back. `file` names the source in errors. `out`: the file that is written,
/// PREFIX.gguf.
///
/// Errors: those of gguf::choose_tensor_types and io::read_imatrix; unsupported for formats that a
/// GGUF model does not hold.
[[nodiscard]] Expected<GgufRecipe> gguf_recipe(const config::Settings& settings,
                                               const GgufModel& model, const std::string& file,
                                               const std::string& out);

}  // namespace plimsoll
