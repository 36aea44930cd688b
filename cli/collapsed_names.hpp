#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::cli {

/// Names that differ in nothing but numbers, as one.
struct CollapsedName {
  /// Every part of a name (between dots) that is a number stands for all that were met there:
  /// "model.layers.{0...47}.mlp.experts.{0, 3...5}.up_proj.weight". Of many runs of numbers the
  /// first eight are shown and the last number. Safe to print.
  std::string text;
  std::vector<std::size_t> members;  ///< places among the names given, ascending, one at least
};

/// Collapses names, in the order in which the first of each kind stands. Names of different
/// `details` (one a name, or none at all) stay apart. n log n.
[[nodiscard]] std::vector<CollapsedName> collapse_names(std::span<const std::string> names,
                                                        std::span<const std::string> details = {});

}  // namespace plimsoll::cli
