#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/tile_scales.hpp"
#include "rules/name_mapping.hpp"
#include "rules/way_back.hpp"

namespace plimsoll::plan {

/// A checkpoint in the model's form: merged as the rules merge experts, or with the model's names
/// where the rules do no more than rename them.
struct ModelForm {
  /// Catalogue tensors that are a checkpoint's already, without the scales of weights.
  std::vector<std::uint32_t> stays;
  /// What all others become again; the sources are catalogue tensors.
  std::vector<rules::BackProduct> undone;
};

/// The form, or nothing where there is nothing to undo. A checkpoint is in the model's form if it
/// has a tensor of three dimensions or more that the way back takes apart and the way in has no use
/// for; or if the way in leaves all stacks of experts as they are, and the way back gives one
/// another name or shape. Errors are those of the mappings.
[[nodiscard]] Expected<std::optional<ModelForm>> find_model_form(const io::Catalogue& catalogue,
                                                                 const ScalePairs& pairs,
                                                                 const config::HfConfig& config,
                                                                 const rules::NameRules& forward,
                                                                 const rules::WayBack& back);

}  // namespace plimsoll::plan
