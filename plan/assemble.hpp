#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "plimsoll/dtype.hpp"
#include "plimsoll/expected_tensor.hpp"
#include "plimsoll/plan.hpp"
#include "rules/rule_set.hpp"

namespace plimsoll::plan {

using plimsoll::ExpectedTensor;
using plimsoll::Mismatch;

/// Whose names and shapes the result has.
enum class TargetLayout : std::uint8_t {
  hub,           ///< those of published checkpoints
  transformers,  ///< those of the model that the transformers library makes of them
};

/// A weight in FP8 whose scales cannot be put together as its numbers are, because tiles are cut.
/// It can be dequantized, and not be kept in FP8.
struct LostScales {
  std::string weight;  ///< name of the blueprint
  std::string reason;
};

/// What a checkpoint becomes, and what a report says about its names.
struct Assembly {
  Blueprints blueprints;  ///< by the place (file, offset) of the first source
  std::vector<LostScales> lost_scales;

  // Names as the model calls them.
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<Mismatch> mismatched;
  /// Tensors that share the memory of another one, with its name.
  std::vector<std::pair<std::string, std::string>> tied;
  std::vector<std::string> open_checks;  ///< what could not be checked: "whether ..."
};

/// Finds out which tensors a checkpoint becomes.
///
/// Layout transformers: the rules of the config's architecture map the names, and the tensors of a
/// conversion are put together by views. With `expected`, the model's tensors, names, shapes and
/// dtypes are the model's: tensors that it lacks and those of another shape are reported and left
/// out. Without, the rules and the architecture's facts decide. The scales of FP8 weights go where
/// the weights go, under their name and `_scale_inv`.
///
/// Layout hub: names and shapes as they are stored. A checkpoint whose experts are merged as the
/// rules merge them is taken apart again, if such models are published one tensor an expert. With
/// `expected`, the report is that of layout transformers; the tensors are the same with and
/// without.
///
/// Errors name file and tensor. malformed: the tensors of a conversion have different dtypes, or
/// sizes that do not fit; two tensors for one place; a gap in numbered tensors; fewer experts than
/// config.json tells (without `expected`); one that lacks its partner; scales that do not fit their
/// weight. unsupported: a fact that config.json should tell and does not, where `expected` would
/// settle it; operations on numbers smaller than a byte.
///
/// n log n in the tensors; no weights are touched. All arguments only need to live for the call.
[[nodiscard]] Expected<Assembly> assemble(const io::Catalogue& catalogue,
                                          const rules::RuleSet& rules,
                                          const std::optional<config::HfConfig>& config,
                                          TargetLayout layout,
                                          std::optional<std::span<const ExpectedTensor>> expected);

}  // namespace plimsoll::plan
