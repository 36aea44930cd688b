#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "plan/gguf_files.hpp"
#include "plan/treatment.hpp"
#include "simulation/choices.hpp"

namespace plimsoll::simulation {

/// What becomes of the tensors of a load.
struct DrawnTreatments {
  std::vector<plan::Treatment> treatments;     ///< one a blueprint
  std::vector<std::vector<float>> importance;  ///< the same, where it has some
};

/// One format for all tensors that can have it, or another for every tensor; `for_gguf`: formats
/// that GGUF files hold.
[[nodiscard]] DrawnTreatments draw_treatments(Choices& choices, const io::Catalogue& catalogue,
                                              const plan::Blueprints& blueprints, bool for_gguf);

/// A GGUF model in one file or in parts, some of them empty; nothing where GGUF cannot hold one of
/// the tensors.
[[nodiscard]] std::optional<plan::GgufTarget> draw_gguf_target(
    Choices& choices, const io::Catalogue& catalogue, const plan::Blueprints& blueprints,
    const std::vector<plan::Treatment>& treatments);

}  // namespace plimsoll::simulation
