#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plimsoll::views {

/// One counter of a strided box: `extent` steps, and how far one step goes, in elements, in the
/// flattened result and in the flattened source.
struct Axis {
  std::uint64_t extent = 1;
  std::uint64_t result_stride = 0;
  std::uint64_t source_stride = 0;

  friend bool operator==(const Axis&, const Axis&) = default;
};

/// The most axes a box may have. A merge of experts needs two, a RoPE permutation below a transpose
/// four.
inline constexpr std::size_t max_axes = 12;

/// Elements of one source, each with its place in the result:
///
///     result[result_offset + sum i_k * result_stride_k] =
///         sources[source][source_offset + sum i_k * source_stride_k],  0 <= i_k < extent_k
///
/// The first `axis_count` axes are in use, none with an extent of 1 (a single element has no axes),
/// sorted by result stride, widest first. They are nested: a step of an axis is at least as long as
/// everything its inner axes reach, so that counting them like digits walks the result forwards.
/// All source strides are positive and no two indices meet in the source either.
struct StridedBox {
  std::uint32_t source = 0;
  std::uint32_t axis_count = 0;
  std::uint64_t source_offset = 0;
  std::uint64_t result_offset = 0;
  std::array<Axis, max_axes> axes;

  [[nodiscard]] std::span<const Axis> used() const { return {axes.data(), axis_count}; }
  [[nodiscard]] std::span<Axis> used() { return {axes.data(), axis_count}; }
};

/// How many elements it has.
[[nodiscard]] std::uint64_t elements_of(const StridedBox& box) noexcept;

/// Elements of the result from its first to its last, both included, over the axes from `first` on.
[[nodiscard]] std::uint64_t result_span(const StridedBox& box, std::size_t first = 0) noexcept;

/// Sorts the axes, drops those of extent 1 and joins those that continue each other on both sides.
void tidy(StridedBox& box) noexcept;

/// Joins `next` to `box` if together they are one box (both tidied). Constant time.
[[nodiscard]] bool join(StridedBox& box, const StridedBox& next) noexcept;

/// Sorts axes by source stride, narrowest first: the order in which the source holds the elements.
void sort_by_source(std::span<Axis> axes) noexcept;

/// Takes the axis out, standing at `index`.
void fix_axis(StridedBox& box, std::size_t axis, std::uint64_t index) noexcept;

/// Cuts out of a box what lies in [low, high), in up to 2n - 1 boxes, in the order of the result,
/// each given to `emit`. Only the n axes from `first` up to `last` count as positions, and
/// `position` is where they begin; the other axes go along unchanged. No allocation.
template <class Emit>
void clip(const StridedBox& box, std::size_t first, std::size_t last, std::uint64_t position,
          std::uint64_t low, std::uint64_t high, Emit&& emit) {
  if (first == last) {
    if (position >= low && position < high) emit(box);
    return;
  }
  const Axis axis = box.axes[first];
  std::uint64_t inner = 1;
  for (std::size_t i = first + 1; i < last; ++i) {
    inner += (box.axes[i].extent - 1) * box.axes[i].result_stride;
  }
  const std::uint64_t step = axis.result_stride;
  // Indices in [from, to) have something in the range.
  std::uint64_t from = 0;
  if (low >= position + inner) from = (low - position - inner) / step + 1;
  std::uint64_t to = 0;
  if (high > position) to = (high - position - 1) / step + 1;
  if (to > axis.extent) to = axis.extent;
  if (from >= to) return;

  const auto partial = [&](std::uint64_t index) {
    const std::uint64_t at = position + index * step;
    return at < low || at + inner > high;
  };
  const auto cut = [&](std::uint64_t index) {
    StridedBox one = box;
    fix_axis(one, first, index);
    clip(one, first, last - 1, position + index * step, low, high, emit);
  };
  if (partial(from)) cut(from++);
  const bool ends_partial = from < to && partial(to - 1);
  const std::uint64_t whole_to = ends_partial ? to - 1 : to;
  if (from < whole_to) {
    StridedBox whole = box;
    whole.result_offset += from * step;
    whole.source_offset += from * axis.source_stride;
    whole.axes[first].extent = whole_to - from;
    if (whole.axes[first].extent == 1) fix_axis(whole, first, 0);
    emit(whole);
  }
  if (ends_partial) cut(to - 1);
}

/// Splits a box into boxes of which every axis stays inside one dimension of a row-major tensor
/// with these strides (widest first; dimensions of size 1 left out; the last stride is 1). Gives
/// each to `emit`; false, perhaps after some, if strides and dimensions have no such relation.
template <class Emit>
[[nodiscard]] bool split_at_dimensions(const StridedBox& box,
                                       std::span<const std::uint64_t> strides, Emit&& emit,
                                       std::size_t axis, std::size_t dimension,
                                       std::uint64_t position) {
  if (axis == box.axis_count) {
    emit(box);
    return true;
  }
  const std::uint64_t stride = strides[dimension];
  const std::uint64_t last = position + result_span(box, axis) - 1;
  if (position / stride == last / stride) {  // constant here: all happens further in
    return split_at_dimensions(box, strides, emit, axis, dimension + 1, position % stride);
  }
  const Axis crossing = box.axes[axis];
  const std::uint64_t step = crossing.result_stride;
  if (step % stride == 0) {
    return split_at_dimensions(box, strides, emit, axis + 1, dimension, position);
  }
  // The axis runs over the edge of the dimension: up to the edge, whole turns, the rest.
  if (stride % step != 0 || position % step + result_span(box, axis + 1) > step) return false;
  const std::uint64_t turn = stride / step;
  const std::uint64_t phase = position % stride / step;
  const std::uint64_t head = phase == 0 ? 0 : turn - phase;
  const std::uint64_t turns = (crossing.extent - head) / turn;
  const std::uint64_t tail = (crossing.extent - head) % turn;
  const auto part = [&](std::uint64_t first, std::uint64_t count) {
    StridedBox some = box;
    some.result_offset += first * step;
    some.source_offset += first * crossing.source_stride;
    some.axes[axis].extent = count;
    if (count == 1) fix_axis(some, axis, 0);
    return split_at_dimensions(some, strides, emit, axis, dimension, position + first * step);
  };
  if (head != 0 && !part(0, head)) return false;
  if (turns == 1 && !part(head, turn)) return false;
  if (turns > 1) {
    if (box.axis_count == max_axes) return false;
    StridedBox whole = box;
    whole.result_offset += head * step;
    whole.source_offset += head * crossing.source_stride;
    for (std::size_t i = whole.axis_count++; i > axis; --i) whole.axes[i] = whole.axes[i - 1];
    whole.axes[axis] = {turns, stride, turn * crossing.source_stride};
    whole.axes[axis + 1].extent = turn;
    if (!split_at_dimensions(whole, strides, emit, axis + 1, dimension, position + head * step)) {
      return false;
    }
  }
  return tail == 0 || part(head + turns * turn, tail);
}

template <class Emit>
[[nodiscard]] bool split_at_dimensions(const StridedBox& box,
                                       std::span<const std::uint64_t> strides, Emit&& emit) {
  return split_at_dimensions(box, strides, emit, 0, 0, box.result_offset);
}

}  // namespace plimsoll::views
