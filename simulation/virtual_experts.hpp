#pragma once

#include <cstdint>
#include <vector>

#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "simulation/choices.hpp"
#include "simulation/virtual_files.hpp"

namespace plimsoll::simulation {

/// A tensor before it has a place in a file.
struct WantedTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  io::Shape shape;
  std::optional<plan::TileScales> scales;
};

/// Adds the experts of a layer to the tensors that are wanted, whose indices they name.
[[nodiscard]] Experts draw_experts(Choices& choices, std::uint32_t layer,
                                   std::vector<WantedTensor>& wanted);

}  // namespace plimsoll::simulation
