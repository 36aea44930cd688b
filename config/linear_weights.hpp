#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/family_patterns.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::config {

/// What a linear weight is: a floating-point matrix called *.weight whose name is not that of an
/// embedding, a norm, a router, a convolution or a position table, or all experts' matrices of a
/// layer merged into one tensor of rank 3. Quantizing formats apply to linear weights only.
///
/// The names are listed in config/patterns/linear.toml, per family where families differ; they fit
/// the names of checkpoints and those of models. Output heads are linear weights; that they are
/// left out by default is the skip list's matter. Immutable, so safe from any thread; making one
/// compiles the patterns (under a millisecond a family), asking costs one or two searches.
class LinearRule {
 public:
  LinearRule();

  /// `model_type` is config.json's, empty if it is not known. `shape` is the whole tensor's.
  [[nodiscard]] bool is_linear_weight(std::string_view name, Dtype dtype,
                                      std::span<const std::uint64_t> shape,
                                      std::string_view model_type) const;

 private:
  FamilyPatterns not_linear_;
  FamilyPatterns merged_experts_;
};

}  // namespace plimsoll::config
