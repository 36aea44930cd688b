#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/format.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "plan/treatment.hpp"

namespace plimsoll::plan {

/// Whether a pattern is found in a tensor's full name; an error if that could not be told.
using NameTest = std::function<Expected<bool>(std::string_view name)>;

/// Whether a tensor of the result is a linear weight.
using LinearTest = std::function<Expected<bool>(const Blueprint& tensor)>;

/// One --match: tensors whose name passes the test get the format, whatever they are.
struct Match {
  NameTest test;
  codecs::Format format;
};

/// What shall become of the tensors.
struct Recipe {
  codecs::Format to;           ///< of linear weights, or with a cast of all floating-point tensors
  std::vector<Match> matches;  ///< the first that passes wins, before `to` and all skips
  /// The user's skips. If there is a list, an empty one too, `default_skips` do not count.
  std::optional<std::vector<NameTest>> skips;
  /// Modules (paths without ".weight") that quantizing formats leave out. As the reference library
  /// reads them: the module itself, all inside it, and every one whose path ends with the text.
  std::vector<std::string> default_skips;
  LinearTest is_linear;
  bool lists_skips = true;  ///< whether Assignment::skipped_modules is of use to anybody
  /// What numbers that have to be decoded (FP8 with scales, those of a GGUF file) become before
  /// anything else.
  Dtype compute_dtype = Dtype::bf16;
  bool keeps_blocks = false;  ///< the result may hold blocks of GGUF (layout gguf)
};

/// What becomes of each tensor, and what the result's readers and its user must be told.
struct Assignment {
  /// Those that were given, without the scales of weights that are dequantized.
  Blueprints blueprints;
  std::vector<Treatment> treatments;  ///< one a blueprint, in their order
  /// Tensors that `to` is meant for (linear weights; with a cast floating-point tensors) but that
  /// are kept: skipped, matched with `keep`, or of a dtype that has no cast.
  std::vector<std::string> left_out;
  /// For a quantized checkpoint's config.json (see plan/skipped_modules.hpp): every module with a
  /// two-dimensional weight that is not quantized, whether linear or not, and the default skips, as
  /// a reader's tied head may have no weight of its own in the checkpoint. Empty if nothing is
  /// quantized or Recipe::lists_skips is false.
  std::vector<std::string> skipped_modules;
};

/// Decides on every tensor's format. Pure; calls each test at most once a tensor.
///
/// A tensor that stays as it is but is of another dtype than the model's (Blueprint::model_dtype)
/// is cast. FP8 weights with scales are kept, scales and all, only where `to` is keep; any other
/// format makes plain numbers of them, as a result has one quantization that its readers know.
/// The same holds for the numbers of a GGUF file: all of them, where the result is none itself.
/// Errors: those of the tests; unsupported, naming the tensor, when a match asks for a format that
/// cannot be made from the tensor.
[[nodiscard]] Expected<Assignment> assign_formats(const io::Catalogue& catalogue,
                                                  Blueprints blueprints, const Recipe& recipe);

}  // namespace plimsoll::plan
