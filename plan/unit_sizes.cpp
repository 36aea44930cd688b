#include "plan/unit_sizes.hpp"

#include <algorithm>

#include "io/byte_source.hpp"
#include "plan/align.hpp"

namespace plimsoll::plan {
namespace {

using codecs::FormatKind;

std::uint64_t ceil_div(std::uint64_t value, std::uint64_t divisor) {
  return value / divisor + (value % divisor != 0);
}

}  // namespace

views::UnitRules unit_rules(Packing stored, const Work& work, std::uint64_t unit_bytes) noexcept {
  views::UnitRules rules;
  Packing widest = stored;
  if (!work.route.is_kept() && is_wider(packing_of(work.working), stored)) {
    widest = packing_of(work.working);
  }
  rules.block = work.block;
  rules.max_elements = std::max<std::uint64_t>(stored_elements(widest, unit_bytes), 1);
  rules.tile_rows = work.tile;
  rules.tile_columns = work.tile_columns;
  return rules;
}

SlotLayout slot_layout(Packing stored, Dtype working, const Route& route, std::uint64_t elements,
                       std::uint64_t scale_bytes) noexcept {
  SlotLayout slot;
  slot.scales = with_alignment(stored_bytes(stored, elements));
  slot.decoded = slot.scales + align_up(scale_bytes, component_alignment);
  const std::uint64_t decoded = route.decode ? elements * element_bytes(working) : 0;
  slot.arranged = slot.decoded + align_up(decoded, component_alignment);
  const Packing moved = route.decode ? packing_of(working) : stored;
  slot.bytes = align_up(slot.arranged + (route.rearrange ? stored_bytes(moved, elements) : 0),
                        component_alignment);
  return slot;
}

TileRange tiles_of(const io::Shape& shape, const views::Region& region) noexcept {
  const std::uint64_t columns = shape.back();
  const std::uint64_t rows = shape[shape.size() - 2];
  const std::uint64_t grid_rows = ceil_div(rows, codecs::fp8_tile);
  const std::uint64_t grid_columns = ceil_div(columns, codecs::fp8_tile);
  const std::uint64_t row = region.first / columns;
  // A plain range is whole rows, as tiles are not cut.
  const bool plain = region.rows == 1 && region.columns >= columns;
  const std::uint64_t count = plain ? region.columns / columns : region.rows;
  TileRange range;
  range.row_stride = grid_columns;
  range.first = (row / rows * grid_rows + row % rows / codecs::fp8_tile) * grid_columns +
                region.first % columns / codecs::fp8_tile;
  range.rows = count > rows ? count / rows * grid_rows : ceil_div(count, codecs::fp8_tile);
  range.columns = ceil_div(plain ? columns : std::min(region.columns, columns), codecs::fp8_tile);
  return range;
}

std::uint64_t scale_width(const codecs::Format& format) noexcept {
  return format.scale == codecs::Fp8Scale::ue8m0 ? 1 : sizeof(float);
}

std::uint64_t scales_offset(const codecs::Format& format, std::uint64_t elements) noexcept {
  const std::uint64_t codes = format.kind == FormatKind::nf4 ? ceil_div(elements, 2) : elements;
  return align_up(codes, component_alignment);
}

std::uint64_t unit_output_bytes(const OutputTensor& output, const Route& route,
                                const views::Region& region) noexcept {
  const std::uint64_t elements = region.elements();
  const codecs::Format& format = output.format;
  if (route.is_kept()) return with_alignment(stored_bytes(output.stored, elements));
  if (!route.quantize) return whole_pages(stored_bytes(output.made, elements));
  if (format.kind == FormatKind::ggml) return whole_pages(stored_bytes(output.made, elements));
  std::uint64_t scales = sizeof(float);
  if (format.kind == FormatKind::nf4) {
    scales = ceil_div(elements, format.blocksize) * sizeof(float);
  } else if (format.kind == FormatKind::fp8_block && elements > 0) {
    const TileRange tiles = tiles_of(output.shape, region);
    scales = tiles.rows * tiles.columns * scale_width(format);
  }
  return whole_pages(scales_offset(format, elements) + scales);
}

std::uint64_t with_alignment(std::uint64_t bytes) noexcept {
  return align_up(bytes, io::direct_alignment) + io::direct_alignment;
}

}  // namespace plimsoll::plan
