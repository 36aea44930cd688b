#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "views/operations.hpp"
#include "views/view.hpp"

namespace plimsoll::plan {

/// The scales of a matrix, or of a stack of them: one a tile of the last two dimensions.
struct ScaleGrid {
  views::View scales;
  std::uint64_t tile_rows = 0;
  std::uint64_t tile_columns = 0;
};

/// Numbers on their way through the operations of a conversion, and their scales beside them, if
/// they have any. The operations are those of views/operations.hpp, with their errors.
///
/// Where an operation cuts or joins inside of tiles there is no grid of whole tiles any more: the
/// numbers go on, the grid is dropped, and `lost` says why.
struct TiledView {
  views::View numbers;
  std::optional<ScaleGrid> grid;
  std::string lost;
};

[[nodiscard]] Expected<TiledView> stack(std::vector<TiledView> parts, std::size_t dimension);
[[nodiscard]] Expected<TiledView> concatenate(std::vector<TiledView> parts, std::size_t dimension);
[[nodiscard]] Expected<std::vector<TiledView>> unstack(const TiledView& tensor,
                                                       std::size_t dimension);
[[nodiscard]] Expected<std::vector<TiledView>> split(const TiledView& tensor, std::size_t dimension,
                                                     std::span<const std::uint64_t> sizes);
[[nodiscard]] Expected<std::vector<TiledView>> chunk(const TiledView& tensor, std::size_t dimension,
                                                     std::uint64_t parts);
[[nodiscard]] Expected<TiledView> transpose(const TiledView& tensor, std::size_t a, std::size_t b);
[[nodiscard]] Expected<TiledView> interleave(const TiledView& tensor, std::size_t dimension,
                                             views::Direction direction);
[[nodiscard]] Expected<TiledView> permute_for_rope(const TiledView& tensor, std::uint64_t heads,
                                                   views::Direction direction);
[[nodiscard]] Expected<TiledView> reshape(const TiledView& tensor, io::Shape shape);

}  // namespace plimsoll::plan
