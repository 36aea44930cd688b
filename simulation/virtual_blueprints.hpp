#pragma once

#include "plan/blueprint.hpp"
#include "simulation/choices.hpp"
#include "simulation/virtual_files.hpp"

namespace plimsoll::simulation {

/// What a result may be made of the files' tensors: each as it is stored, or random rules over
/// them. Experts are stacked with gate and up side by side or on their own, merged ones are taken
/// apart, and whatever comes of it may be transposed, interleaved, sliced, reordered or reshaped.
/// Scales stay tensors of their own, stacked beside their weights. Rows of blocks stay whole.
[[nodiscard]] plan::Blueprints draw_blueprints(Choices& choices, const VirtualFiles& files);

}  // namespace plimsoll::simulation
