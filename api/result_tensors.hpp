#pragma once

#include <optional>
#include <span>

#include "api/draft.hpp"
#include "config/hf_config.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/assemble.hpp"
#include "plimsoll/expected_tensor.hpp"

namespace plimsoll {

/// What a checkpoint becomes in the layout that the settings ask for, narrowed to their
/// tensor-parallel rank. Reads the rules directory and the list of expected tensors that they name;
/// a list of the caller's (not empty) goes before that. Layout gguf: as stored. `joins`: rules that
/// make whole tensors of a GGUF model's; a model that has any is in its published form then.
/// Errors: those of reading; of plan::assemble and plan::parallel_share.
[[nodiscard]] Expected<plan::Assembly> result_tensors(const io::Catalogue& catalogue,
                                                      const std::optional<config::HfConfig>& facts,
                                                      const config::RecipeSettings& settings,
                                                      std::span<const ExpectedTensor> expected,
                                                      const std::vector<std::string>& joins = {});

}  // namespace plimsoll
