#pragma once

#include <cstdint>
#include <vector>

#include "errors/expected.hpp"
#include "views/copies.hpp"
#include "views/view.hpp"

namespace plimsoll::views {

/// What a unit must keep together, and how large it may be. All in elements.
struct UnitRules {
  /// Most elements of a unit, where what must stay together allows it.
  std::uint64_t max_elements = 0;

  /// So many elements of the flattened result share a scale; a unit holds whole blocks (but for the
  /// last one of the tensor, which may be short). A row is a block for a quantizer by rows.
  std::uint64_t block = 1;

  /// In place of blocks, tiles of so many rows and columns of the last two dimensions; tiles at the
  /// lower and right edge of each matrix may be smaller. Both or neither.
  std::uint64_t tile_rows = 0;
  std::uint64_t tile_columns = 0;

  /// Runs of the source shorter than this are worth avoiding: a unit may grow beyond max_elements
  /// to have them. 0 never grows a unit.
  std::uint64_t min_run = 2048;

  /// More units than this are refused, before memory for them is taken.
  std::uint64_t most_units = std::uint64_t{1} << 24;
};

struct Units {
  /// Every element of the result is in exactly one. In an order that reads each source forwards as
  /// far as the view allows.
  std::vector<Region> regions;
  std::uint64_t largest = 0;  ///< elements of the largest region: what a slot must hold
  bool slabs = false;         ///< regions are rows of a matrix and not ranges of the flat result
};

/// Cuts a result into units so that no source element is read by two of them, and in runs as long
/// as the memory allows. docs/views.md describes the cases; in short:
///
/// A view whose source runs are long in the order of its result is cut into flat ranges.
///
/// A view that transposes is cut by slabs: k columns of the result, which are k rows of the source
/// that follow each other, k the most that max_elements and whole blocks allow. Where so many
/// source rows are too much, a unit takes a part of each.
///
/// Where blocks lie across the rows of the result, a unit that transposes must hold whole rows of
/// the result: every source row then gives a run as long as the unit has rows.
///
/// No region exceeds the largest of max_elements (four times that, where it is a row of tiles that
/// is read as one run), a block or tile, min_run times a block or a tile's longer side, and, only
/// where blocks lie across the rows of a transposing view, min_run rows of the result and a block.
/// Memory and time grow with the number of units.
///
/// invalid_argument if a rule is 0 that may not be, if tiles are asked of a tensor of rank 0 or 1,
/// or if there would be more than most_units.
[[nodiscard]] Expected<Units> cut_units(const View& view, const UnitRules& rules);

/// How large units get, without making them all: regions of which one has the sizes (rows and
/// columns) of every region that cut_units() makes, or larger ones. Cheap where regions are flat
/// ranges or tiles, as the first is the largest, and how many there are is not asked; else as
/// cut_units(), but for the memory.
[[nodiscard]] Expected<Units> largest_units(const View& view, const UnitRules& rules);

}  // namespace plimsoll::views
