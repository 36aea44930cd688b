#pragma once

#include <array>
#include <cstdint>

#include "plan/plan.hpp"

namespace plimsoll::plan {

/// What one unit makes of one component: `rows` runs of `row_bytes`, whose starts lie `stride`
/// apart in the component. In an output buffer they are dense, run after run.
struct Piece {
  std::uint32_t component = 0;  ///< index into Plan::components
  std::uint64_t offset = 0;     ///< of the first run, within the component
  std::uint64_t row_bytes = 0;
  std::uint64_t rows = 1;
  std::uint64_t stride = 0;
  std::uint64_t buffer_offset = 0;  ///< within the unit's output buffer (checkpoint sink)

  [[nodiscard]] std::uint64_t bytes() const { return rows * row_bytes; }
};

/// A unit's pieces: the data first, then the scales of a quantized one. None for a unit that only
/// measures.
struct Pieces {
  std::array<Piece, 2> items;
  std::uint32_t count = 0;

  [[nodiscard]] const Piece* begin() const { return items.data(); }
  [[nodiscard]] const Piece* end() const { return items.data() + count; }
};

/// No allocation, constant time: called once a unit on the hot path.
[[nodiscard]] Pieces pieces_of(const Plan& plan, const Unit& unit) noexcept;

}  // namespace plimsoll::plan
