#include "views/view.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace plimsoll::views {

namespace {

constexpr std::uint64_t most_elements = (std::uint64_t{1} << 63) - 1;
constexpr std::size_t most_axes_in_all = (std::size_t{1} << 28) - 1;

bool fits_dimensions(const StridedBox& box, const std::vector<std::uint64_t>& strides) {
  return split_at_dimensions(box, strides, [](const StridedBox&) {});
}

bool is_run(const StridedBox& box) {
  return box.axis_count == 0 ||
         (box.axis_count == 1 && box.axes[0].result_stride == 1 && box.axes[0].source_stride == 1);
}

/// Joins neighbours in the order of `boxes`; a joined box may continue the one before it.
void join_neighbours(std::vector<StridedBox>& boxes, const std::vector<std::uint64_t>& strides) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    StridedBox next = boxes[i];
    while (kept != 0) {
      StridedBox joined = boxes[kept - 1];
      if (!join(joined, next) || !fits_dimensions(joined, strides)) break;
      next = joined;
      --kept;
    }
    boxes[kept++] = next;
  }
  boxes.resize(kept);
}

/// Whether any two boxes could be one.
bool share_a_source(const std::vector<StridedBox>& boxes) {
  if (boxes.size() < 2) return false;
  std::vector<std::uint32_t> sources;
  sources.reserve(boxes.size());
  for (const StridedBox& box : boxes) sources.push_back(box.source);
  if (!std::is_sorted(sources.begin(), sources.end())) std::sort(sources.begin(), sources.end());
  return std::adjacent_find(sources.begin(), sources.end()) != sources.end();
}

bool earlier_in_result(const StridedBox& a, const StridedBox& b) {
  return a.result_offset < b.result_offset;
}

void join_boxes(std::vector<StridedBox>& boxes, const std::vector<std::uint64_t>& strides) {
  std::sort(boxes.begin(), boxes.end(), [](const StridedBox& a, const StridedBox& b) {
    return std::tie(a.source, a.source_offset) < std::tie(b.source, b.source_offset);
  });
  join_neighbours(boxes, strides);
  std::sort(boxes.begin(), boxes.end(), earlier_in_result);
  join_neighbours(boxes, strides);
}

/// The boxes' places in the order of the result. They are large: moving them about costs more.
std::vector<std::uint32_t> result_order(const std::vector<StridedBox>& boxes) {
  std::vector<std::uint32_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  if (!std::is_sorted(boxes.begin(), boxes.end(), earlier_in_result)) {
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return earlier_in_result(boxes[a], boxes[b]);
    });
  }
  return order;
}

}  // namespace

Expected<std::uint64_t> checked_elements(const io::Shape& shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) {
    if (size > most_elements / elements) {
      return fail(ErrorCode::malformed, "shape " + text_of(shape) + " has too many elements");
    }
    elements *= size;
  }
  return elements;
}

std::string text_of(const io::Shape& shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

std::vector<std::uint64_t> dimension_strides(const io::Shape& shape) {
  std::vector<std::uint64_t> strides;
  std::uint64_t stride = 1;
  for (auto size = shape.rbegin(); size != shape.rend(); ++size) {
    if (*size == 1) continue;
    strides.push_back(stride);
    stride *= *size;
  }
  std::reverse(strides.begin(), strides.end());
  return strides;
}

Expected<View> View::of(io::Shape shape, std::vector<StridedBox> boxes) {
  const auto elements = checked_elements(shape);
  if (!elements) return fail(elements.error());
  View view;
  view.elements_ = *elements;
  const auto strides = dimension_strides(shape);
  for (StridedBox& box : boxes) {
    tidy(box);
    if (!fits_dimensions(box, strides)) {
      return fail(ErrorCode::unsupported, "no strided view of shape " + text_of(shape) +
                                              " expresses this chain of operations");
    }
  }
  if (share_a_source(boxes)) join_boxes(boxes, strides);
  view.shape_ = std::move(shape);
  view.boxes_.reserve(boxes.size());
  view.axes_.reserve(std::accumulate(
      boxes.begin(), boxes.end(), std::size_t{0},
      [](std::size_t axes, const StridedBox& box) { return axes + box.axis_count; }));
  std::uint64_t reach = 0;
  for (std::uint32_t index : result_order(boxes)) {
    const StridedBox& box = boxes[index];
    if (view.axes_.size() + box.axis_count > most_axes_in_all) {
      return fail(ErrorCode::unsupported, "a view of too many pieces");
    }
    reach = std::max(reach, box.result_offset + result_span(box));
    view.boxes_.push_back({box.source_offset, box.result_offset, reach, box.source,
                           static_cast<std::uint32_t>(view.axes_.size()) & 0xFFFFFFFu,
                           box.axis_count & 0xFu});
    const auto axes = box.used();
    view.axes_.insert(view.axes_.end(), axes.begin(), axes.end());
    view.made_of_runs_ = view.made_of_runs_ && is_run(box);
  }
  return view;
}

View View::whole(std::uint32_t source, io::Shape shape, std::uint64_t elements) {
  View view;
  view.shape_ = std::move(shape);
  view.elements_ = elements;
  if (elements == 0) return view;
  const bool has_axis = elements > 1;
  view.boxes_.push_back({0, 0, elements, source, 0, has_axis});
  if (has_axis) view.axes_.push_back({elements, 1, 1});
  return view;
}

StridedBox View::box(std::size_t index) const noexcept {
  const StoredBox& stored = boxes_[index];
  StridedBox box;
  box.source = stored.source;
  box.axis_count = stored.axis_count;
  box.source_offset = stored.source_offset;
  box.result_offset = stored.result_offset;
  std::copy_n(axes_.begin() + stored.first_axis, stored.axis_count, box.axes.begin());
  return box;
}

std::vector<StridedBox> View::boxes() const {
  std::vector<StridedBox> all;
  all.reserve(boxes_.size());
  for (std::size_t i = 0; i < boxes_.size(); ++i) all.push_back(box(i));
  return all;
}

View::Candidates View::candidates(std::uint64_t begin, std::uint64_t end) const noexcept {
  const auto first = std::partition_point(
      boxes_.begin(), boxes_.end(), [&](const StoredBox& stored) { return stored.reach <= begin; });
  const auto last = std::partition_point(
      first, boxes_.end(), [&](const StoredBox& stored) { return stored.result_offset < end; });
  return {static_cast<std::size_t>(first - boxes_.begin()),
          static_cast<std::size_t>(last - boxes_.begin())};
}

View::Run View::run(std::size_t index) const noexcept {
  const StoredBox& stored = boxes_[index];
  const std::uint64_t count = stored.axis_count == 0 ? 1 : axes_[stored.first_axis].extent;
  return {stored.source, stored.source_offset, stored.result_offset, count};
}

bool View::is_contiguous() const noexcept {
  return boxes_.size() < 2 && made_of_runs_;
}

}  // namespace plimsoll::views
