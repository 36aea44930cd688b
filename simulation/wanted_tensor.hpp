#pragma once

#include <optional>
#include <string>

#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"

namespace plimsoll::simulation {

/// A tensor before it has a place in a file.
struct WantedTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  io::Shape shape;
  std::optional<plan::TileScales> scales{};

  // As in io::TensorEntry, for GGUF files only.
  std::optional<codecs::ggml::Type> blocks{};
  bool swapped = false;
  codecs::ElementMap map = codecs::ElementMap::none;
  std::optional<io::StoredOrder> order{};
};

}  // namespace plimsoll::simulation
