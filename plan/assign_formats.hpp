#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/format.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::plan {

/// Whether a pattern is found in a tensor's full name; an error if that could not be told.
using NameTest = std::function<Expected<bool>(std::string_view name)>;

/// Whether a tensor is a linear weight.
using LinearTest = std::function<Expected<bool>(const io::TensorEntry& tensor)>;

/// One --match: tensors whose name passes the test get the format, whatever they are.
struct Match {
  NameTest test;
  codecs::Format format;
};

/// What shall become of a checkpoint's tensors.
struct Recipe {
  codecs::Format to;           ///< of linear weights, or with a cast of all floating-point tensors
  std::vector<Match> matches;  ///< the first that passes wins, before `to` and all skips
  /// The user's skips. If there is a list, an empty one too, `default_skips` do not count.
  std::optional<std::vector<NameTest>> skips;
  /// Modules (paths without ".weight") that quantizing formats leave out. As the reference library
  /// reads them: the module itself, all inside it, and every one whose path ends with the text.
  std::vector<std::string> default_skips;
  LinearTest is_linear;
};

/// What becomes of each tensor, and what the result's readers and its user must be told.
struct Assignment {
  std::vector<codecs::Format> formats;  ///< one a catalogue tensor, in catalogue order
  /// Tensors that `to` is meant for (linear weights; with a cast floating-point tensors) but that
  /// are kept: skipped, matched with `keep`, or of a dtype that has no cast. In catalogue order.
  std::vector<std::string> left_out;
  /// For a quantized checkpoint's config.json (see plan/skipped_modules.hpp): every module with a
  /// two-dimensional weight that is not quantized, whether linear or not, and the default skips, as
  /// a reader's tied head may have no weight of its own in the checkpoint. Empty if nothing is
  /// quantized.
  std::vector<std::string> skipped_modules;
};

/// Decides on every tensor's format. Pure; calls each test at most once a tensor.
/// Errors: those of the tests; unsupported, naming the tensor, when a match asks for a format that
/// cannot be made from the tensor's dtype.
[[nodiscard]] Expected<Assignment> assign_formats(const io::Catalogue& catalogue,
                                                  const Recipe& recipe);

}  // namespace plimsoll::plan
