#pragma once

#include <cstdint>

#include "codecs/format.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"
#include "views/units.hpp"

namespace plimsoll::plan {

/// What must stay together in a tensor's units, of at most `unit_bytes` of full precision (more
/// only where one block, tile or run of the source is more). Kept tensors count their own bytes.
[[nodiscard]] views::UnitRules unit_rules(Packing stored, const Work& work,
                                          std::uint64_t unit_bytes) noexcept;

/// A unit's slot, one part behind the other:
///
///     source bytes, with a page around them to align a direct read | scales of the source |
///     decoded numbers | numbers in the order of the result
///
/// The last two are there if the route decodes or rearranges. All in bytes, multiples of 64.
struct SlotLayout {
  std::uint64_t scales = 0;  ///< where each part begins
  std::uint64_t decoded = 0;
  std::uint64_t arranged = 0;
  std::uint64_t bytes = 0;
};

[[nodiscard]] SlotLayout slot_layout(Packing stored, Dtype working, const Route& route,
                                     std::uint64_t elements, std::uint64_t scale_bytes) noexcept;

/// Tiles of a unit of a tensor whose codes have a scale a tile: rows and columns of the grid of
/// scales that the region covers, and the first of them in the tensor's scales.
struct TileRange {
  std::uint64_t first = 0;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t row_stride = 0;  ///< scales from one row of tiles to the next
};

/// `shape` has at least two dimensions, none of them 0.
[[nodiscard]] TileRange tiles_of(const io::Shape& shape, const views::Region& region) noexcept;

/// Bytes of one scale of fp8-block.
[[nodiscard]] std::uint64_t scale_width(const codecs::Format& format) noexcept;

/// Output buffer that a region of a tensor needs on its way to a checkpoint: its pieces side by
/// side (see plan/pieces.hpp), for a kept unit with room to align its read. Whole pages.
[[nodiscard]] std::uint64_t unit_output_bytes(const OutputTensor& output, const Route& route,
                                              const views::Region& region) noexcept;

/// Where the scales of a quantized region begin in its output buffer.
[[nodiscard]] std::uint64_t scales_offset(const codecs::Format& format,
                                          std::uint64_t elements) noexcept;

/// Bytes with room in front to match a file's alignment and behind to end on it.
[[nodiscard]] std::uint64_t with_alignment(std::uint64_t bytes) noexcept;

}  // namespace plimsoll::plan
