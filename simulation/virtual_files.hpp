#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "simulation/choices.hpp"

namespace plimsoll::simulation {

/// A weight of all experts of a layer, as tensors of the catalogue. Where `merged`, it is the one
/// tensor that holds them all.
struct ExpertWeight {
  std::string name;  ///< without the expert: "model.layers.3.mlp.experts.down_proj"
  bool merged = false;
  std::vector<std::uint32_t> tensors;  ///< one an expert, by its number
};

/// The experts of a layer: gate and up have equal shapes, down any.
struct Experts {
  ExpertWeight gate;
  ExpertWeight up;
  ExpertWeight down;
};

/// Files of weights that exist only in memory.
struct VirtualFiles {
  io::Catalogue catalogue;
  std::vector<std::vector<std::byte>> contents;  ///< one a file of the catalogue
  std::vector<Experts> experts;                  ///< one a layer that has some
  /// One a tensor: the scales that FP8 weights need.
  std::vector<std::optional<plan::TileScales>> scales;
};

/// One to three files with up to sixteen small tensors of every dtype: empty ones, odd lengths,
/// gaps and offsets of any alignment, numbers of ordinary size or (rarely) of any bit pattern.
/// About half of the checkpoints have experts, too: up to twelve a layer, of odd sizes, spread over
/// the files in any order, some in FP8 with scales. A quarter are GGUF files, see virtual_gguf.hpp.
[[nodiscard]] VirtualFiles draw_files(Choices& choices);

}  // namespace plimsoll::simulation
