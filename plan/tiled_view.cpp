#include "plan/tiled_view.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll::plan {
namespace {

using views::View;

/// How many indices of a dimension share a scale.
std::uint64_t tile_along(const TiledView& tensor, std::size_t dimension) {
  const std::size_t rank = tensor.numbers.shape().size();
  if (dimension + 1 == rank) return tensor.grid->tile_columns;
  if (dimension + 2 == rank) return tensor.grid->tile_rows;
  return 1;
}

std::uint64_t tiles_in(std::uint64_t size, std::uint64_t tile) {
  return size / tile + (size % tile == 0 ? 0 : 1);
}

std::string cut_in(std::uint64_t size, std::uint64_t tile, std::size_t dimension) {
  return "a part of " + std::to_string(size) + " along dimension " + std::to_string(dimension) +
         " is no whole number of tiles of " + std::to_string(tile);
}

/// The result of an operation on many: its numbers are there, its grid is made of those of the
/// parts, if all have one.
template <class Join>
Expected<TiledView> joined(View numbers, std::vector<TiledView>& parts, std::string lost,
                           const Join& join) {
  TiledView out{std::move(numbers), std::nullopt, std::move(lost)};
  std::vector<View> scales;
  for (TiledView& part : parts) {
    if (out.lost.empty()) out.lost = part.lost;
    if (part.grid) scales.push_back(std::move(part.grid->scales));
  }
  if (scales.empty() || !out.lost.empty()) return out;
  const ScaleGrid& first = *parts[0].grid;
  for (const TiledView& part : parts) {
    if (part.grid->tile_rows == first.tile_rows && part.grid->tile_columns == first.tile_columns) {
      continue;
    }
    out.lost = "its parts have tiles of different sizes";
    return out;
  }
  auto grid = join(scales);
  if (!grid) return fail(grid.error());
  out.grid = ScaleGrid{std::move(*grid), first.tile_rows, first.tile_columns};
  return out;
}

std::vector<View> take_numbers(std::vector<TiledView>& parts) {
  std::vector<View> numbers;
  numbers.reserve(parts.size());
  for (TiledView& part : parts) numbers.push_back(std::move(part.numbers));
  return numbers;
}

/// The numbers regrouped along a dimension; a grid survives where tiles do not lie across it.
Expected<TiledView> regrouped(const TiledView& tensor, Expected<View> numbers,
                              std::size_t dimension, const char* what) {
  if (!numbers) return fail(numbers.error());
  TiledView out{std::move(*numbers), std::nullopt, tensor.lost};
  if (tensor.grid) {
    out.lost = "rows that share a scale are " + std::string(what) + " along dimension " +
               std::to_string(dimension);
  }
  return out;
}

}  // namespace

Expected<TiledView> stack(std::vector<TiledView> parts, std::size_t dimension) {
  std::string lost;
  if (!parts.empty() && parts[0].grid && dimension + 2 > parts[0].numbers.shape().size()) {
    lost = "matrices with tiles are stacked along dimension " + std::to_string(dimension);
  }
  auto numbers = views::stack(take_numbers(parts), dimension);
  if (!numbers) return fail(numbers.error());
  return joined(std::move(*numbers), parts, std::move(lost),
                [&](std::span<const View> scales) { return views::stack(scales, dimension); });
}

Expected<TiledView> concatenate(std::vector<TiledView> parts, std::size_t dimension) {
  std::string lost;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!parts[i].grid || dimension >= parts[i].numbers.shape().size()) continue;
    const std::uint64_t tile = tile_along(parts[i], dimension);
    const std::uint64_t size = parts[i].numbers.shape()[dimension];
    if (size % tile != 0) lost = cut_in(size, tile, dimension);
  }
  auto numbers = views::concatenate(take_numbers(parts), dimension);
  if (!numbers) return fail(numbers.error());
  return joined(std::move(*numbers), parts, std::move(lost), [&](std::span<const View> scales) {
    return views::concatenate(scales, dimension);
  });
}

Expected<std::vector<TiledView>> unstack(const TiledView& tensor, std::size_t dimension) {
  auto numbers = views::unstack(tensor.numbers, dimension);
  if (!numbers) return fail(numbers.error());
  std::vector<TiledView> out;
  out.reserve(numbers->size());
  for (View& part : *numbers) out.push_back({std::move(part), std::nullopt, tensor.lost});
  if (!tensor.grid) return out;
  if (dimension + 2 >= tensor.numbers.shape().size()) {
    for (TiledView& part : out) part.lost = "matrices with tiles are taken apart inside of tiles";
    return out;
  }
  auto scales = views::unstack(tensor.grid->scales, dimension);
  if (!scales) return fail(scales.error());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].grid = {std::move((*scales)[i]), tensor.grid->tile_rows, tensor.grid->tile_columns};
  }
  return out;
}

Expected<std::vector<TiledView>> split(const TiledView& tensor, std::size_t dimension,
                                       std::span<const std::uint64_t> sizes) {
  auto numbers = views::split(tensor.numbers, dimension, sizes);
  if (!numbers) return fail(numbers.error());
  std::vector<TiledView> out;
  out.reserve(numbers->size());
  for (View& part : *numbers) out.push_back({std::move(part), std::nullopt, tensor.lost});
  if (!tensor.grid) return out;
  const std::uint64_t tile = tile_along(tensor, dimension);
  std::vector<std::uint64_t> tiles;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    tiles.push_back(tiles_in(sizes[i], tile));
    if (i + 1 == sizes.size() || sizes[i] % tile == 0) continue;
    for (TiledView& part : out) part.lost = cut_in(sizes[i], tile, dimension);
    return out;
  }
  auto scales = views::split(tensor.grid->scales, dimension, tiles);
  if (!scales) return fail(scales.error());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].grid = {std::move((*scales)[i]), tensor.grid->tile_rows, tensor.grid->tile_columns};
  }
  return out;
}

Expected<std::vector<TiledView>> chunk(const TiledView& tensor, std::size_t dimension,
                                       std::uint64_t parts) {
  if (!tensor.grid) {
    auto numbers = views::chunk(tensor.numbers, dimension, parts);
    if (!numbers) return fail(numbers.error());
    std::vector<TiledView> out;
    out.reserve(numbers->size());
    for (View& part : *numbers) out.push_back({std::move(part), std::nullopt, tensor.lost});
    return out;
  }
  // Only asked for the errors of sizes that do not fit.
  if (auto checked = views::chunk(tensor.numbers, dimension, parts); !checked) {
    return fail(checked.error());
  }
  const std::uint64_t size = tensor.numbers.shape()[dimension] / parts;
  return split(tensor, dimension, std::vector<std::uint64_t>(parts, size));
}

Expected<TiledView> transpose(const TiledView& tensor, std::size_t a, std::size_t b) {
  auto numbers = views::transpose(tensor.numbers, a, b);
  if (!numbers) return fail(numbers.error());
  TiledView out{std::move(*numbers), std::nullopt, tensor.lost};
  if (!tensor.grid) return out;
  const std::size_t rank = tensor.numbers.shape().size();
  const std::size_t low = std::min(a, b);
  const std::size_t high = std::max(a, b);
  const bool both_tiled = low + 2 == rank && high + 1 == rank;
  if (!both_tiled && high + 2 >= rank && low != high) {
    out.lost = "a dimension with tiles changes places with one without";
    return out;
  }
  auto scales = views::transpose(tensor.grid->scales, a, b);
  if (!scales) return fail(scales.error());
  out.grid = {std::move(*scales), tensor.grid->tile_rows, tensor.grid->tile_columns};
  if (both_tiled) std::swap(out.grid->tile_rows, out.grid->tile_columns);
  return out;
}

Expected<TiledView> interleave(const TiledView& tensor, std::size_t dimension,
                               views::Direction direction) {
  return regrouped(tensor, views::interleave(tensor.numbers, dimension, direction), dimension,
                   "regrouped");
}

Expected<TiledView> permute_for_rope(const TiledView& tensor, std::uint64_t heads,
                                     views::Direction direction) {
  return regrouped(tensor, views::permute_for_rope(tensor.numbers, heads, direction), 0,
                   "permuted");
}

Expected<TiledView> reshape(const TiledView& tensor, io::Shape shape) {
  return regrouped(tensor, views::reshape(tensor.numbers, std::move(shape)), 0, "reshaped");
}

}  // namespace plimsoll::plan
