#include "views/units.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <string>

namespace plimsoll::views {

namespace {

std::uint64_t rounded_down(std::uint64_t value, std::uint64_t step) {
  return value / step * step;
}

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t step) {
  return (value + step - 1) / step * step;
}

/// What a box's axes are, counted from the source's side. `dense` of them, `run` elements, lie side
/// by side in the source.
struct SourceOrder {
  std::array<Axis, max_axes> axes;
  std::size_t count = 0;
  std::size_t dense = 0;
  std::uint64_t run = 1;
};

SourceOrder source_order(std::span<const Axis> axes) {
  SourceOrder order;
  order.count = axes.size();
  std::copy(axes.begin(), axes.end(), order.axes.begin());
  sort_by_source({order.axes.data(), order.count});
  while (order.dense < order.count && order.axes[order.dense].source_stride == order.run) {
    order.run *= order.axes[order.dense++].extent;
  }
  return order;
}

/// The longest run of the source in `elements` of the result that follow each other in the box.
std::uint64_t run_of_range(const StridedBox& box, std::uint64_t elements) {
  std::array<Axis, max_axes> inner;
  std::size_t count = 0;
  for (std::size_t i = box.axis_count; i-- > 0 && elements > 1;) {
    inner[count] = box.axes[i];
    inner[count].extent = std::min(inner[count].extent, elements);
    elements /= inner[count++].extent;
  }
  return source_order({inner.data(), count}).run;
}

/// A multiple of what is contiguous on the source's side too, although in another order (a head of
/// a rotary projection), if ranges of at most `elements` can be.
std::uint64_t aligned_to_groups(const StridedBox& box, std::uint64_t elements,
                                std::uint64_t block) {
  std::uint64_t group = 1;
  std::uint64_t size = 1;
  for (std::size_t i = box.axis_count; i-- > 0;) {
    const bool innermost = i + 1 == box.axis_count;
    size *= box.axes[i].extent;
    if (size > elements) break;
    const auto axes = box.used().subspan(i);
    if (!innermost && source_order(axes).run == size) group = size;
  }
  const std::uint64_t factor = group / std::gcd(group, block);
  return factor > elements / block ? elements : rounded_down(elements, factor * block);
}

/// How a box lies in the result if it transposes: as a matrix of rows `row_stride` apart, of which
/// `band` follow each other in the source, column by column.
struct Slabs {
  std::uint64_t row_stride = 0;
  std::uint64_t band = 0;
};

/// Only for boxes with a run of at least `run`. Nothing (row_stride 0) if it has no such shape.
Slabs slabs_of(const StridedBox& box, std::uint64_t run) {
  // Columns: what is contiguous on both sides, and one axis more.
  std::size_t rows = box.axis_count;
  std::uint64_t both = 1;
  while (rows > 0 && box.axes[rows - 1].result_stride == both &&
         box.axes[rows - 1].source_stride == both) {
    both *= box.axes[--rows].extent;
  }
  if (rows < 2) return {};
  const std::uint64_t least_stride = box.axes[--rows].result_stride;

  const SourceOrder order = source_order(box.used());
  Slabs slabs;
  std::uint64_t length = 1;
  for (std::size_t i = 0; i < order.dense; ++i) {
    const Axis& axis = order.axes[i];
    if (axis.result_stride > least_stride) {
      if (length >= run && axis.result_stride < slabs.row_stride) break;
      slabs.row_stride = slabs.row_stride == 0 ? axis.result_stride
                                               : std::min(slabs.row_stride, axis.result_stride);
      slabs.band = std::max(slabs.band, axis.extent * axis.result_stride);
    } else if (slabs.row_stride != 0) {
      break;
    }
    length *= axis.extent;
  }
  if (slabs.row_stride != 0) slabs.band /= slabs.row_stride;
  return slabs;
}

class Cutter {
 public:
  /// `all`: every region, not only those that tell how large they get.
  Cutter(const View& view, const UnitRules& rules, bool all)
      : view_(view), rules_(rules), all_(all) {
    // A block larger than the tensor is the tensor.
    rules_.block = std::min(rules.block, std::max<std::uint64_t>(1, view.elements()));
    if (rules.tile_rows == 0) return;
    row_ = view.shape().back();
    matrix_rows_ = view.shape()[view.shape().size() - 2];
  }

  Expected<Units> cut() {
    if (view_.elements() > 0) choose();
    if (count_ <= rules_.most_units) return std::move(units_);
    return fail(ErrorCode::invalid_argument, "more than " + std::to_string(rules_.most_units) +
                                                 " units of at most " +
                                                 std::to_string(rules_.max_elements) + " elements");
  }

 private:
  void choose() {
    const std::uint64_t range = range_elements();
    for (std::size_t i = 0; i < view_.box_count() && !view_.is_made_of_runs(); ++i) {
      const StridedBox box = view_.box(i);
      const std::uint64_t run = std::min(rules_.min_run, source_order(box.used()).run);
      if (run_of_range(box, std::min(range, view_.elements())) >= run) continue;
      const Slabs slabs = slabs_of(box, run);
      const std::uint64_t stride = tiled() ? row_ : slabs.row_stride;
      if (slabs.row_stride == 0 || view_.elements() % stride != 0) continue;
      return cut_slabs(stride);
    }
    if (tiled()) return cut_tiles();
    cut_ranges(aligned_to_groups(view_.box(0), range, rules_.block));
  }

  bool tiled() const { return rules_.tile_rows != 0; }

  /// Whether nothing more is to be cut: too much is, or only sizes are asked for and all regions to
  /// come are as large as the first, or smaller.
  [[nodiscard]] bool is_done() const {
    return count_ > rules_.most_units || (!all_ && !units_.slabs && !units_.regions.empty());
  }

  void add(const Region& region) {
    if (++count_ > rules_.most_units) return;
    units_.largest = std::max(units_.largest, region.elements());
    if (!all_ && std::any_of(units_.regions.begin(), units_.regions.end(), [&](const Region& one) {
          return one.rows == region.rows && one.columns == region.columns;
        })) {
      return;
    }
    units_.regions.push_back(region);
  }

  /// Elements of a unit that is a range of the flat result.
  std::uint64_t range_elements() const {
    const std::uint64_t step = tiled() ? std::min(rules_.tile_rows, matrix_rows_) * row_
                                       : std::min(rules_.block, view_.elements());
    return std::max(step, rounded_down(rules_.max_elements, step));
  }

  void cut_ranges(std::uint64_t elements) {
    for (std::uint64_t first = 0; first < view_.elements() && !is_done();) {
      const std::uint64_t count = std::min(elements, view_.elements() - first);
      add({first, 1, count, 0});
      first += count;
    }
  }

  /// Columns that may not be separated, in a matrix with rows of `stride`.
  std::uint64_t column_step(std::uint64_t stride) const {
    if (tiled()) return std::min(rules_.tile_columns, stride);
    return stride % rules_.block == 0 ? rules_.block : stride;
  }

  void cut_tiles() {
    const std::uint64_t tile_rows = std::min(rules_.tile_rows, matrix_rows_);
    const std::uint64_t all_rows = view_.elements() / row_;
    std::uint64_t columns = row_;
    std::uint64_t rows = std::max(tile_rows, rounded_down(rules_.max_elements / row_, tile_rows));
    if (rows >= matrix_rows_) {
      rows = std::max<std::uint64_t>(1, rules_.max_elements / row_ / matrix_rows_) * matrix_rows_;
    }
    if (rows * row_ > most_of_a_band()) {
      const std::uint64_t step = column_step(row_);
      const std::uint64_t wanted =
          std::max(rules_.max_elements / tile_rows, std::min(rules_.min_run, row_));
      columns = std::min(row_, std::max(step, rounded_down(wanted, step)));
    }
    for (std::uint64_t row = 0; row < all_rows && !is_done();) {
      // Whole matrices, or a part of one.
      const std::uint64_t end =
          rows >= matrix_rows_ ? all_rows : rounded_down(row, matrix_rows_) + matrix_rows_;
      const std::uint64_t count = std::min(rows, end - row);
      add_rows(row, count, columns, row_);
      row += count;
    }
  }

  /// A row of tiles is one run of the source, its parts are as many runs as it has rows: it is
  /// worth a larger unit.
  std::uint64_t most_of_a_band() const {
    constexpr std::uint64_t growth = 4;
    return rules_.min_run == 0 ? rules_.max_elements : growth * rules_.max_elements;
  }

  void add_rows(std::uint64_t row, std::uint64_t rows, std::uint64_t columns,
                std::uint64_t stride) {
    for (std::uint64_t column = 0; column < stride && !is_done(); column += columns) {
      add({row * stride + column, rows, std::min(columns, stride - column), stride});
    }
  }

  void cut_slabs(std::uint64_t stride) {
    units_.slabs = true;
    const std::uint64_t step = column_step(stride);
    if (!tiled() && step == stride && stride % rules_.block != 0) {
      return cut_rows_across_blocks(stride);
    }
    // No unit is larger: of a tensor that claims to be enormous none is listed.
    const std::uint64_t most = std::max(
        rules_.max_elements, step * std::max({rules_.min_run, rules_.tile_rows, std::uint64_t{1}}));
    if (view_.elements() / most > rules_.most_units) {
      count_ = view_.elements() / most;
      return;
    }
    const std::vector<std::uint64_t> bounds = band_bounds(stride);
    for (std::size_t i = 0; i + 1 < bounds.size() && !is_done(); ++i) {
      cut_band(bounds[i], bounds[i + 1] - bounds[i], stride, step);
    }
  }

  /// Blocks do not end where rows do: ranges of whole blocks, with rows enough for the runs.
  void cut_rows_across_blocks(std::uint64_t stride) {
    units_.slabs = false;
    const std::uint64_t rows = std::min(rules_.min_run, view_.elements() / stride);
    cut_ranges(std::max(range_elements(), rounded_up(rows * stride, rules_.block)));
  }

  void cut_band(std::uint64_t row, std::uint64_t band, std::uint64_t stride, std::uint64_t step) {
    const std::uint64_t tile_rows = tiled() ? std::min(rules_.tile_rows, matrix_rows_) : 1;
    std::uint64_t rows = std::max(rules_.max_elements / step, std::min(rules_.min_run, band));
    rows = std::min(band, std::max(tile_rows, rounded_down(rows, tile_rows)));
    std::uint64_t columns = step;
    if (rows == band) {
      columns = std::min(stride, std::max(step, rounded_down(rules_.max_elements / band, step)));
    }
    for (std::uint64_t column = 0; column < stride && !is_done(); column += columns) {
      const std::uint64_t width = std::min(columns, stride - column);
      for (std::uint64_t done = 0; done < band && !is_done(); done += rows) {
        add({(row + done) * stride + column, std::min(rows, band - done), width, stride});
      }
    }
  }

  /// Rows between which no run of the source goes on: where bands begin and end.
  /// Every band is at least a unit; of too many not all are listed.
  std::vector<std::uint64_t> band_bounds(std::uint64_t stride) {
    const std::uint64_t end = view_.elements() / stride;
    if (tiled() && end / matrix_rows_ > rules_.most_units) {
      count_ = end / matrix_rows_;
      return {};
    }
    std::vector<std::uint64_t> bounds{0, end};
    for (std::size_t i = 0; i < view_.box_count(); ++i) {
      const StridedBox box = view_.box(i);
      const std::uint64_t run = std::min(rules_.min_run, source_order(box.used()).run);
      const Slabs slabs = slabs_of(box, run);
      const std::uint64_t row = box.result_offset / stride;
      if (slabs.row_stride != stride) {
        bounds.push_back(row);
        bounds.push_back((box.result_offset + result_span(box) - 1) / stride + 1);
        continue;
      }
      append_bands(box, 0, row, slabs, bounds);
    }
    if (bounds.size() / 2 > rules_.most_units) {
      count_ = bounds.size() / 2;
      return {};
    }
    if (tiled()) {
      for (std::uint64_t row = 0; row < end; row += matrix_rows_) bounds.push_back(row);
      std::erase_if(bounds, [&](std::uint64_t bound) {
        return bound % matrix_rows_ % rules_.tile_rows != 0;
      });
    }
    // A band of every other row may end past the last one.
    std::erase_if(bounds, [&](std::uint64_t bound) { return bound > end; });
    std::sort(bounds.begin(), bounds.end());
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    return bounds;
  }

  void append_bands(const StridedBox& box, std::size_t axis, std::uint64_t row, const Slabs& slabs,
                    std::vector<std::uint64_t>& bounds) const {
    if (bounds.size() / 2 > rules_.most_units) return;
    if (axis == box.axis_count || box.axes[axis].result_stride < slabs.band * slabs.row_stride) {
      bounds.push_back(row);
      bounds.push_back(row + slabs.band);
      return;
    }
    for (std::uint64_t i = 0; i < box.axes[axis].extent && bounds.size() / 2 <= rules_.most_units;
         ++i) {
      append_bands(box, axis + 1, row + i * box.axes[axis].result_stride / slabs.row_stride, slabs,
                   bounds);
    }
  }

  const View& view_;
  UnitRules rules_;
  bool all_;
  std::uint64_t count_ = 0;
  std::uint64_t row_ = 0;          // tiles: columns of a matrix
  std::uint64_t matrix_rows_ = 0;  // tiles: rows of a matrix
  Units units_;
};

}  // namespace

namespace {

Expected<void> check(const View& view, const UnitRules& rules) {
  if (rules.max_elements == 0 || rules.block == 0) {
    return fail(ErrorCode::invalid_argument, "units of no elements");
  }
  if ((rules.tile_rows == 0) != (rules.tile_columns == 0)) {
    return fail(ErrorCode::invalid_argument, "tiles of no elements");
  }
  if (rules.tile_rows != 0 && view.shape().size() < 2) {
    return fail(ErrorCode::invalid_argument,
                "a tensor of shape " + text_of(view.shape()) + " has no tiles of rows and columns");
  }
  return {};
}

}  // namespace

Expected<Units> cut_units(const View& view, const UnitRules& rules) {
  if (auto valid = check(view, rules); !valid) return fail(valid.error());
  return Cutter(view, rules, true).cut();
}

Expected<Units> largest_units(const View& view, const UnitRules& rules) {
  if (auto valid = check(view, rules); !valid) return fail(valid.error());
  return Cutter(view, rules, false).cut();
}

}  // namespace plimsoll::views
