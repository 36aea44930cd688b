#include "views/strided_box.hpp"

#include <algorithm>

namespace plimsoll::views {

std::uint64_t elements_of(const StridedBox& box) noexcept {
  std::uint64_t elements = 1;
  for (const Axis& axis : box.used()) elements *= axis.extent;
  return elements;
}

std::uint64_t result_span(const StridedBox& box, std::size_t first) noexcept {
  std::uint64_t span = 1;
  for (const Axis& axis : box.used().subspan(first)) {
    span += (axis.extent - 1) * axis.result_stride;
  }
  return span;
}

void sort_by_source(std::span<Axis> axes) noexcept {
  for (std::size_t i = 1; i < axes.size(); ++i) {
    const Axis axis = axes[i];
    std::size_t at = i;
    for (; at != 0 && axes[at - 1].source_stride > axis.source_stride; --at) {
      axes[at] = axes[at - 1];
    }
    axes[at] = axis;
  }
}

void fix_axis(StridedBox& box, std::size_t axis, std::uint64_t index) noexcept {
  box.result_offset += index * box.axes[axis].result_stride;
  box.source_offset += index * box.axes[axis].source_stride;
  --box.axis_count;
  for (std::size_t i = axis; i < box.axis_count; ++i) box.axes[i] = box.axes[i + 1];
}

void tidy(StridedBox& box) noexcept {
  const auto axes = box.used();
  const auto end =
      std::remove_if(axes.begin(), axes.end(), [](const Axis& axis) { return axis.extent == 1; });
  box.axis_count = static_cast<std::uint32_t>(end - axes.begin());
  std::sort(axes.begin(), end,
            [](const Axis& a, const Axis& b) { return a.result_stride > b.result_stride; });
  if (box.axis_count < 2) return;
  std::size_t kept = 0;
  for (std::size_t i = 1; i < box.axis_count; ++i) {
    Axis& outer = box.axes[kept];
    const Axis inner = box.axes[i];
    if (outer.result_stride == inner.extent * inner.result_stride &&
        outer.source_stride == inner.extent * inner.source_stride) {
      outer = {outer.extent * inner.extent, inner.result_stride, inner.source_stride};
    } else {
      box.axes[++kept] = inner;
    }
  }
  box.axis_count = static_cast<std::uint32_t>(kept + 1);
}

namespace {

bool same_strides(const Axis& a, const Axis& b) noexcept {
  return a.result_stride == b.result_stride && a.source_stride == b.source_stride;
}

/// The first axis in which `longer` differs from `shorter`, which has one axis less and otherwise
/// the same ones; axis_count of `longer` if there is more that differs.
std::size_t extra_axis(const StridedBox& longer, const StridedBox& shorter) noexcept {
  std::size_t extra = 0;
  while (extra < shorter.axis_count && longer.axes[extra] == shorter.axes[extra]) ++extra;
  for (std::size_t i = extra; i < shorter.axis_count; ++i) {
    if (longer.axes[i + 1] != shorter.axes[i]) return longer.axis_count;
  }
  return extra;
}

/// Whether `box` with one more axis, two steps of `step`, is nested; if so, adds it.
bool add_pair(StridedBox& box, std::uint64_t step, std::uint64_t source_step) noexcept {
  if (box.axis_count == max_axes) return false;
  std::size_t at = 0;
  while (at < box.axis_count && box.axes[at].result_stride > step) ++at;
  if (step < result_span(box, at)) return false;
  if (at != 0 && box.axes[at - 1].result_stride < step + result_span(box, at)) return false;
  for (std::size_t i = box.axis_count++; i > at; --i) box.axes[i] = box.axes[i - 1];
  box.axes[at] = {2, step, source_step};
  return true;
}

}  // namespace

bool join(StridedBox& box, const StridedBox& next) noexcept {
  if (box.source != next.source || next.result_offset <= box.result_offset ||
      next.source_offset <= box.source_offset) {
    return false;
  }
  const std::uint64_t step = next.result_offset - box.result_offset;
  const std::uint64_t source_step = next.source_offset - box.source_offset;
  const auto follows = [&](const Axis& axis, std::uint64_t steps) {
    return step == steps * axis.result_stride && source_step == steps * axis.source_stride;
  };
  if (box.axis_count == next.axis_count) {
    std::size_t differs = box.axis_count;
    for (std::size_t i = 0; i < box.axis_count; ++i) {
      if (!same_strides(box.axes[i], next.axes[i])) return false;
      if (box.axes[i].extent == next.axes[i].extent) continue;
      if (differs != box.axis_count) return false;
      differs = i;
    }
    for (std::size_t i = 0; i < box.axis_count; ++i) {
      if ((differs != box.axis_count && differs != i) || !follows(box.axes[i], box.axes[i].extent))
        continue;
      box.axes[i].extent += next.axes[i].extent;
      tidy(box);
      return true;
    }
    if (differs != box.axis_count || !add_pair(box, step, source_step)) return false;
  } else if (box.axis_count == next.axis_count + 1) {
    const std::size_t extra = extra_axis(box, next);
    if (extra == box.axis_count || !follows(box.axes[extra], box.axes[extra].extent)) return false;
    ++box.axes[extra].extent;
  } else if (box.axis_count + 1 == next.axis_count) {
    const std::size_t extra = extra_axis(next, box);
    if (extra == next.axis_count || !follows(next.axes[extra], 1)) return false;
    box.axes = next.axes;
    box.axis_count = next.axis_count;
    ++box.axes[extra].extent;
  } else {
    return false;
  }
  tidy(box);
  return true;
}

}  // namespace plimsoll::views
