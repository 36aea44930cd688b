#pragma once

#include <cstdint>

#include "views/strided_box.hpp"
#include "views/view.hpp"

namespace plimsoll::views {

/// Elements of a flattened result: `rows` runs of `columns`, whose starts lie `row_stride` apart,
/// the first at `first`. Runs do not cross multiples of row_stride. In memory of its own a region
/// is dense: run after run. One row is a plain range, and its row_stride has no meaning.
struct Region {
  std::uint64_t first = 0;
  std::uint64_t rows = 1;
  std::uint64_t columns = 0;
  std::uint64_t row_stride = 0;

  [[nodiscard]] std::uint64_t elements() const noexcept { return rows * columns; }
  friend bool operator==(const Region&, const Region&) = default;
};

/// The copies that fill a region: each box's result_offset and result strides are places in the
/// region's own dense memory, its source side is that of the view. Every element of the region is
/// in exactly one. `visit` is called with each StridedBox; no allocation, cost proportional to the
/// boxes visited (and, where a box has no relation to row_stride, to the rows).
template <class Visit>
void for_each_copy(const View& view, const Region& region, Visit&& visit) {
  if (region.elements() == 0) return;
  const auto flat = [&](std::uint64_t begin, std::uint64_t end, std::uint64_t destination,
                        const StridedBox& box) {
    clip(box, 0, box.axis_count, box.result_offset, begin, end, [&](StridedBox part) {
      part.result_offset = part.result_offset - begin + destination;
      tidy(part);
      visit(part);
    });
  };
  const std::uint64_t stride = region.row_stride;
  const std::uint64_t end =
      region.first + (region.rows > 1 ? (region.rows - 1) * stride : 0) + region.columns;
  const auto [first_box, last_box] = view.candidates(region.first, end);
  for (std::size_t i = first_box; i < last_box; ++i) {
    const StridedBox box = view.box(i);
    if (region.rows == 1 || region.columns == stride) {
      flat(region.first, end, 0, box);
      continue;
    }
    const std::uint64_t row = region.first / stride;
    const std::uint64_t column = region.first % stride;
    const std::uint64_t strides[] = {stride, 1};
    const auto cut = [&](const StridedBox& part) {
      const auto row_axes = [&](const StridedBox& of) {
        std::size_t axes = 0;
        while (axes < of.axis_count && of.axes[axes].result_stride >= stride) ++axes;
        return axes;
      };
      clip(part, row_axes(part), part.axis_count, part.result_offset % stride, column,
           column + region.columns, [&](const StridedBox& narrow) {
             const std::uint64_t start = narrow.result_offset / stride * stride;
             clip(narrow, 0, row_axes(narrow), start, row * stride, (row + region.rows) * stride,
                  [&](StridedBox copy) {
                    copy.result_offset = (copy.result_offset / stride - row) * region.columns +
                                         copy.result_offset % stride - column;
                    for (Axis& axis : copy.used()) {
                      if (axis.result_stride < stride) continue;
                      axis.result_stride = axis.result_stride / stride * region.columns;
                    }
                    tidy(copy);
                    visit(copy);
                  });
           });
    };
    // Only asked first, so that nothing is visited twice.
    if (split_at_dimensions(box, strides, [](const StridedBox&) {})) {
      static_cast<void>(split_at_dimensions(box, strides, cut));
      continue;
    }
    for (std::uint64_t r = 0; r < region.rows; ++r) {
      const std::uint64_t begin = region.first + r * stride;
      flat(begin, begin + region.columns, r * region.columns, box);
    }
  }
}

/// The copies for [begin, end) of the flattened result.
template <class Visit>
void for_each_copy(const View& view, std::uint64_t begin, std::uint64_t end, Visit&& visit) {
  for_each_copy(view, Region{begin, 1, end - begin, 0}, visit);
}

}  // namespace plimsoll::views
