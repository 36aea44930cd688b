#include "plan/tile_scales.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "io/name_index.hpp"

namespace plimsoll::plan {
namespace {

constexpr std::uint64_t usual_tile = 128;

/// The name of the weight whose scales a tensor of this name would hold; empty for other names.
std::string weight_name_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> endings = {
      {{"_scale_inv", ""}, {".scale", ".weight"}, {".qscale_weight", ".weight"}}};
  for (const auto& [ending, instead] : endings) {
    if (!name.ends_with(ending)) continue;
    return std::string(name.substr(0, name.size() - ending.size())).append(instead);
  }
  return {};
}

std::uint64_t tiles_in(std::uint64_t size, std::uint64_t tile) {
  return size / tile + (size % tile == 0 ? 0 : 1);
}

/// The tiles of a weight whose scales have this shape; nothing if they do not fit.
std::optional<std::array<std::uint64_t, 2>> tile_of(const io::Shape& weight,
                                                    const io::Shape& scales,
                                                    std::array<std::uint64_t, 2> block) {
  if (weight.size() < 2) return std::nullopt;
  const std::uint64_t rows = weight[weight.size() - 2];
  const std::uint64_t columns = weight[weight.size() - 1];
  const std::array<std::uint64_t, 2> matrix = {std::max<std::uint64_t>(rows, 1),
                                               std::max<std::uint64_t>(columns, 1)};
  const auto one = [](std::uint64_t size) { return size == 1; };
  if (weight.size() == 2 && std::all_of(scales.begin(), scales.end(), one)) return matrix;
  if (scales.size() != weight.size() ||
      !std::equal(weight.begin(), weight.end() - 2, scales.begin())) {
    return std::nullopt;
  }
  const std::uint64_t* grid = scales.data() + scales.size() - 2;
  if (grid[0] == 1 && grid[1] == 1) return matrix;
  if (grid[0] != tiles_in(rows, block[0]) || grid[1] != tiles_in(columns, block[1])) {
    return std::nullopt;
  }
  return block;
}

class Finder {
 public:
  Finder(const io::Catalogue& catalogue, const config::HfConfig* config) : catalogue_(catalogue) {
    if (config && config->weight_block_size) block_ = *config->weight_block_size;
  }

  Expected<ScalePairs> run() {
    const std::vector<io::TensorEntry>& tensors = catalogue_.tensors;
    out_.scales.resize(tensors.size());
    out_.weight_of.resize(tensors.size());
    std::vector<std::string_view> names;
    std::vector<std::uint32_t> weights;
    for (std::uint32_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i].dtype != Dtype::f8_e4m3) continue;
      names.push_back(tensors[i].name);
      weights.push_back(i);
    }
    if (weights.empty()) return std::move(out_);
    const io::NameIndex index(std::move(names));
    for (std::uint32_t i = 0; i < tensors.size(); ++i) {
      const std::string weight = weight_name_of(tensors[i].name);
      const auto found = weight.empty() ? std::nullopt : index.find(weight);
      if (!found || weights[*found] == i) continue;
      if (Expected<void> done = pair(weights[*found], i); !done) return fail(done.error());
    }
    return std::move(out_);
  }

 private:
  Expected<void> pair(std::uint32_t weight, std::uint32_t scales) {
    const io::TensorEntry& numbers = catalogue_.tensors[weight];
    const io::TensorEntry& entry = catalogue_.tensors[scales];
    const std::string& file = catalogue_.files[entry.file].path;
    if (out_.scales[weight]) {
      return fail(ErrorCode::malformed,
                  numbers.name + " has other scales too, " +
                      catalogue_.tensors[out_.scales[weight]->tensor].name,
                  file, entry.name);
    }
    if (!is_floating_point(entry.dtype)) {
      return fail(ErrorCode::unsupported, "scales of dtype " + std::string(name_of(entry.dtype)),
                  file, entry.name);
    }
    const auto tile = tile_of(numbers.shape, entry.shape, block_);
    if (!tile) {
      return fail(ErrorCode::malformed,
                  "shape " + views::text_of(entry.shape) + " is not one scale a tile of " +
                      std::to_string(block_[0]) + " x " + std::to_string(block_[1]) + " of " +
                      numbers.name + ", which has shape " + views::text_of(numbers.shape),
                  file, entry.name);
    }
    out_.scales[weight] = TileScales{scales, (*tile)[0], (*tile)[1]};
    out_.weight_of[scales] = weight;
    out_.any = true;
    return {};
  }

  const io::Catalogue& catalogue_;
  std::array<std::uint64_t, 2> block_ = {usual_tile, usual_tile};
  ScalePairs out_;
};

}  // namespace

Expected<ScalePairs> find_tile_scales(const io::Catalogue& catalogue,
                                      const config::HfConfig* config) {
  return Finder(catalogue, config).run();
}

Expected<ScaleGrid> grid_of(const io::Catalogue& catalogue, const TileScales& scales,
                            std::size_t rank) {
  const io::TensorEntry& entry = catalogue.tensors[scales.tensor];
  Expected<views::View> view = views::whole(scales.tensor, entry.shape);
  // A single number may have any rank.
  if (view && entry.shape.size() != rank) view = views::reshape(*view, io::Shape(rank, 1));
  if (!view) return fail(view.error());
  return ScaleGrid{std::move(*view), scales.tile_rows, scales.tile_columns};
}

std::string scale_name_of(const std::string& name) {
  return name + "_scale_inv";
}

}  // namespace plimsoll::plan
