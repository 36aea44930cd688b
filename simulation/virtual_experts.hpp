#pragma once

#include <cstdint>
#include <vector>

#include "simulation/choices.hpp"
#include "simulation/virtual_files.hpp"
#include "simulation/wanted_tensor.hpp"

namespace plimsoll::simulation {

/// Adds the experts of a layer to the tensors that are wanted, whose indices they name.
[[nodiscard]] Experts draw_experts(Choices& choices, std::uint32_t layer,
                                   std::vector<WantedTensor>& wanted);

}  // namespace plimsoll::simulation
