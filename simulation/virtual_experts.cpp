#include "simulation/virtual_experts.hpp"

#include <string>
#include <utility>

namespace plimsoll::simulation {
namespace {

/// What all weights of a layer's experts have in common.
struct Kind {
  std::uint64_t experts = 1;
  Dtype dtype = Dtype::bf16;
  bool scaled = false;
  Dtype scale_dtype = Dtype::f32;
  std::uint64_t tile_rows = 1;  ///< 0: all
  std::uint64_t tile_columns = 1;
  bool merged = false;
};

Kind draw_kind(Choices& choices) {
  static constexpr Dtype plain[] = {Dtype::bf16, Dtype::bf16, Dtype::f16, Dtype::f32, Dtype::f64};
  static constexpr Dtype scale[] = {Dtype::f32, Dtype::f32, Dtype::bf16, Dtype::f16,
                                    Dtype::f8_e8m0};
  static constexpr std::uint64_t tiles[] = {0, 1, 3, 8, 128};
  Kind kind;
  kind.experts = choices.between(1, 12);
  kind.dtype = choices.one_of(plain);
  kind.scaled = choices.chance(35);
  if (kind.scaled) {
    kind.dtype = Dtype::f8_e4m3;
    kind.scale_dtype = choices.one_of(scale);
    kind.tile_rows = choices.one_of(tiles);
    kind.tile_columns = kind.tile_rows == 0 ? 0 : choices.one_of(tiles);
  }
  kind.merged = choices.chance(20);
  return kind;
}

std::uint64_t tiles_in(std::uint64_t size, std::uint64_t tile) {
  return (size + tile - 1) / tile;
}

std::uint32_t add(const Kind& kind, std::string name, io::Shape shape,
                  std::vector<WantedTensor>& wanted) {
  const auto index = static_cast<std::uint32_t>(wanted.size());
  WantedTensor tensor{std::move(name), kind.dtype, std::move(shape)};
  if (!kind.scaled) {
    wanted.push_back(std::move(tensor));
    return index;
  }
  io::Shape grid = tensor.shape;
  std::uint64_t& rows = grid[grid.size() - 2];
  std::uint64_t& columns = grid.back();
  const plan::TileScales scales{index + 1, kind.tile_rows == 0 ? rows : kind.tile_rows,
                                kind.tile_columns == 0 ? columns : kind.tile_columns};
  rows = tiles_in(rows, scales.tile_rows);
  columns = tiles_in(columns, scales.tile_columns);
  tensor.scales = scales;
  // As its own tensor it may stand beside the scales that the result makes of the weight.
  std::string scale_name = tensor.name + "_scale_inv_of_source";
  wanted.push_back(std::move(tensor));
  wanted.push_back({std::move(scale_name), kind.scale_dtype, std::move(grid)});
  return index;
}

ExpertWeight add_weight(const Kind& kind, const std::string& layer, const std::string& projection,
                        const io::Shape& shape, std::vector<WantedTensor>& wanted) {
  ExpertWeight weight;
  weight.name = layer + projection;
  weight.merged = kind.merged;
  if (kind.merged) {
    weight.tensors.push_back(add(kind, weight.name, {kind.experts, shape[0], shape[1]}, wanted));
    return weight;
  }
  for (std::uint64_t expert = 0; expert < kind.experts; ++expert) {
    weight.tensors.push_back(
        add(kind, layer + std::to_string(expert) + "." + projection + ".weight", shape, wanted));
  }
  return weight;
}

}  // namespace

Experts draw_experts(Choices& choices, std::uint32_t layer, std::vector<WantedTensor>& wanted) {
  Kind kind = draw_kind(choices);
  std::uint64_t rows = choices.between(1, 24);
  std::uint64_t columns = choices.between(1, 24);
  if (choices.chance(8)) {
    // Larger than a tile of FP8, on one side or both.
    kind.experts = choices.between(1, 3);
    rows = choices.between(1, 140);
    columns = choices.between(100, 300);
  }
  const std::string name = "model.layers." + std::to_string(layer) + ".mlp.experts.";
  Experts experts;
  experts.gate = add_weight(kind, name, "gate_proj", {rows, columns}, wanted);
  experts.up = add_weight(kind, name, "up_proj", {rows, columns}, wanted);
  experts.down = add_weight(kind, name, "down_proj", {columns, rows}, wanted);
  return experts;
}

}  // namespace plimsoll::simulation
