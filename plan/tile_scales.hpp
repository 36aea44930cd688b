#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "plan/tiled_view.hpp"

namespace plimsoll::plan {

/// Which of a checkpoint's tensors hold the scales of which.
struct ScalePairs {
  std::vector<std::optional<TileScales>> scales;        ///< of each catalogue tensor
  std::vector<std::optional<std::uint32_t>> weight_of;  ///< of each that holds scales: the weight
  bool any = false;
};

/// Finds the scales of F8_E4M3 weights by their names: `X.weight_scale_inv`, `X.scale` and
/// `X.qscale_weight` beside `X.weight`, and `P_scale_inv` beside P. Tiles are those of the config's
/// weight_block_size, 128 x 128 without it; a scale that is a single number is that of a whole
/// matrix. `config` may be null.
///
/// malformed if scales have not one number a tile, or a weight has two of them; unsupported if they
/// are of a type that is no floating-point type. n log n, and nothing to do without FP8 weights.
[[nodiscard]] Expected<ScalePairs> find_tile_scales(const io::Catalogue& catalogue,
                                                    const config::HfConfig* config);

/// The scales of a catalogue tensor as a grid of one number a tile.
[[nodiscard]] Expected<ScaleGrid> grid_of(const io::Catalogue& catalogue, const TileScales& scales,
                                          std::size_t rank);

/// What the scales of a tensor of this name are called.
[[nodiscard]] std::string scale_name_of(const std::string& name);

}  // namespace plimsoll::plan
