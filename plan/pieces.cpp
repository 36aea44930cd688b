#include "plan/pieces.hpp"

#include "plan/treatment.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {
namespace {

std::uint64_t ceil_div(std::uint64_t value, std::uint64_t divisor) {
  return (value + divisor - 1) / divisor;
}

/// A region's runs in a component that holds `bytes` for every `elements`; regions of several rows
/// divide evenly, only the end of a flat one may not.
Piece runs_of(std::uint32_t component, const views::Region& region, std::uint64_t elements,
              std::uint64_t bytes) {
  Piece piece;
  piece.component = component;
  piece.offset = region.first / elements * bytes;
  if (region.rows == 1 || region.columns == region.row_stride) {
    piece.row_bytes = ceil_div(region.elements(), elements) * bytes;
    piece.stride = piece.row_bytes;
  } else {
    piece.rows = region.rows;
    piece.row_bytes = region.columns / elements * bytes;
    piece.stride = region.row_stride / elements * bytes;
  }
  return piece;
}

Piece tile_scales(std::uint32_t component, const OutputTensor& output, const Unit& unit) {
  if (unit.region.elements() == 0) return {.component = component};
  const std::uint64_t width = scale_width(output.format);
  const TileRange tiles = tiles_of(output.shape, unit.region);
  return {component,  tiles.first * width,      tiles.columns * width,
          tiles.rows, tiles.row_stride * width, 0};
}

Pieces quantized(const OutputTensor& output, const Unit& unit) {
  const std::uint32_t data = output.first_component;
  const codecs::Format& format = output.format;
  Pieces pieces;
  pieces.items[0] = runs_of(data, unit.region, output.made.elements, output.made.bytes);
  pieces.count = 1;
  if (format.kind == codecs::FormatKind::ggml) return pieces;
  pieces.count = 2;
  Piece& scales = pieces.items[1];
  switch (format.kind) {
    case codecs::FormatKind::nf4:
      scales = runs_of(data + 1, unit.region, format.blocksize, sizeof(float));
      break;
    case codecs::FormatKind::fp8_block:
      scales = tile_scales(data + 1, output, unit);
      break;
    default:  // one scale for the tensor, which its first unit writes; an empty one's is known
      scales = {data + 1, 0, sizeof(float), 1, sizeof(float), 0};
      if (unit.region.first != 0 || unit.region.elements() == 0) pieces.count = 1;
  }
  scales.buffer_offset = scales_offset(format, unit.region.elements());
  return pieces;
}

}  // namespace

Pieces pieces_of(const Plan& plan, const Unit& unit) noexcept {
  const OutputTensor& output = plan.outputs[unit.output];
  if (unit.route.measure) return {};
  if (unit.route.quantize) return quantized(output, unit);
  Pieces pieces;
  pieces.count = 1;
  pieces.items[0] =
      runs_of(output.first_component, unit.region, output.made.elements, output.made.bytes);
  if (unit.route.is_kept()) pieces.items[0].buffer_offset = unit.landing;
  return pieces;
}

}  // namespace plimsoll::plan
