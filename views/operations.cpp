#include "views/operations.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace plimsoll::views {

namespace {

constexpr std::uint64_t most_parts = 65536;

std::string sizes(const View& view) {
  return text_of(view.shape());
}

tl::unexpected<Error> no_dimension(const View& view, std::size_t dimension) {
  return fail(ErrorCode::invalid_argument, "a tensor of shape " + sizes(view) +
                                               " has no dimension " + std::to_string(dimension));
}

/// The order that brings `dimension` to the front (to_front) or a front dimension back there.
std::vector<std::size_t> moving(std::size_t rank, std::size_t dimension, bool to_front) {
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  const auto begin = order.begin();
  const auto last = begin + static_cast<std::ptrdiff_t>(dimension) + 1;
  if (to_front) {
    std::rotate(begin, last - 1, last);
  } else {
    std::rotate(begin, begin + 1, last);
  }
  return order;
}

Expected<View> to_front(const View& view, std::size_t dimension) {
  return permute(view, moving(view.shape().size(), dimension, true));
}

Expected<View> from_front(const View& view, std::size_t dimension) {
  return permute(view, moving(view.shape().size(), dimension, false));
}

/// Parts of a view whose dimension 0 was `dimension`; see split.
Expected<View> slice_front(const View& front, std::size_t dimension, std::uint64_t begin,
                           std::uint64_t end) {
  io::Shape shape = front.shape();
  const std::uint64_t row = shape[0] == 0 ? 0 : front.elements() / shape[0];
  shape[0] = end - begin;
  std::vector<StridedBox> boxes;
  const auto [first, last] = front.candidates(begin * row, end * row);
  for (std::size_t i = first; i < last; ++i) {
    const StridedBox box = front.box(i);
    clip(box, 0, box.axis_count, box.result_offset, begin * row, end * row, [&](StridedBox part) {
      part.result_offset -= begin * row;
      boxes.push_back(part);
    });
  }
  auto part = View::of(std::move(shape), std::move(boxes));
  if (!part) return part;
  return from_front(*part, dimension);
}

/// The boxes of a part whose rows of `own_row` elements each become the place behind `offset` of a
/// row of `row` elements. False if they do not fit the part's own rows.
bool append_rows(const View& part, std::uint64_t own_row, std::uint64_t row, std::uint64_t offset,
                 std::vector<StridedBox>& out) {
  const std::uint64_t strides[] = {own_row, 1};
  const std::span<const std::uint64_t> used(strides + (own_row == 1 ? 1 : 0), strides + 2);
  const auto widen = [&](StridedBox box) {
    box.result_offset = box.result_offset / own_row * row + box.result_offset % own_row + offset;
    for (Axis& axis : box.used()) {
      if (axis.result_stride < own_row) continue;
      axis.result_stride = axis.result_stride / own_row * row;
    }
    out.push_back(box);
  };
  for (std::size_t i = 0; i < part.box_count(); ++i) {
    if (!split_at_dimensions(part.box(i), used, widen)) return false;
  }
  return true;
}

}  // namespace

Expected<View> whole(std::uint32_t source, io::Shape shape) {
  const auto elements = checked_elements(shape);
  if (!elements) return fail(elements.error());
  return View::whole(source, std::move(shape), *elements);
}

Expected<View> reshape(const View& view, io::Shape shape) {
  const auto elements = checked_elements(shape);
  if (!elements) return fail(elements.error());
  if (*elements != view.elements()) {
    return fail(ErrorCode::malformed,
                "shape " + sizes(view) + " cannot become " + text_of(shape) + ": sizes differ");
  }
  return View::of(std::move(shape), view.boxes());
}

Expected<View> unsqueeze(const View& view, std::size_t dimension) {
  io::Shape shape = view.shape();
  if (dimension > shape.size()) return no_dimension(view, dimension);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(dimension), 1);
  return reshape(view, std::move(shape));
}

Expected<View> squeeze(const View& view, std::size_t dimension) {
  io::Shape shape = view.shape();
  if (dimension >= shape.size()) return no_dimension(view, dimension);
  if (shape[dimension] != 1) {
    return fail(ErrorCode::malformed, "dimension " + std::to_string(dimension) + " of shape " +
                                          sizes(view) + " is not of size 1");
  }
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(dimension));
  return reshape(view, std::move(shape));
}

Expected<View> permute(const View& view, std::span<const std::size_t> order) {
  const io::Shape& from = view.shape();
  const std::size_t rank = from.size();
  std::vector<bool> seen(rank);
  for (const std::size_t dimension : order) {
    if (dimension >= rank) return no_dimension(view, dimension);
    seen[dimension] = true;
  }
  if (order.size() != rank || std::find(seen.begin(), seen.end(), false) != seen.end()) {
    return fail(ErrorCode::invalid_argument,
                "an order of dimensions that does not name each of shape " + sizes(view) + " once");
  }
  if (std::is_sorted(order.begin(), order.end())) return view;

  io::Shape to(rank);
  for (std::size_t i = 0; i < rank; ++i) to[i] = from[order[i]];
  if (view.elements() == 0) return View::of(std::move(to), {});
  // Strides before and after, of the dimensions larger than 1, in the order of the view.
  std::vector<std::uint64_t> after(rank);
  std::uint64_t stride = 1;
  for (std::size_t i = rank; i-- > 0;) {
    after[order[i]] = stride;
    stride *= to[i];
  }
  for (std::size_t i = rank; i-- > 0;) {
    if (from[i] == 1) after.erase(after.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const std::vector<std::uint64_t> before = dimension_strides(from);

  std::vector<StridedBox> boxes;
  const auto move_box = [&](StridedBox box) {
    std::uint64_t rest = std::exchange(box.result_offset, 0);
    for (std::size_t i = 0; i < before.size(); ++i) {
      box.result_offset += rest / before[i] * after[i];
      rest %= before[i];
    }
    for (Axis& axis : box.used()) {
      std::size_t dimension = 0;
      while (before[dimension] > axis.result_stride) ++dimension;
      axis.result_stride = axis.result_stride / before[dimension] * after[dimension];
    }
    boxes.push_back(box);
  };
  for (std::size_t i = 0; i < view.box_count(); ++i) {
    if (!split_at_dimensions(view.box(i), before, move_box)) {
      return fail(ErrorCode::internal, "a view whose boxes do not fit its own shape");
    }
  }
  return View::of(std::move(to), std::move(boxes));
}

Expected<View> transpose(const View& view, std::size_t a, std::size_t b) {
  const std::size_t rank = view.shape().size();
  if (a >= rank || b >= rank) return no_dimension(view, std::max(a, b));
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[a], order[b]);
  return permute(view, order);
}

Expected<View> concatenate(std::span<const View> parts, std::size_t dimension) {
  if (parts.empty()) return fail(ErrorCode::invalid_argument, "no tensors to concatenate");
  io::Shape shape = parts[0].shape();
  if (dimension >= shape.size()) return no_dimension(parts[0], dimension);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const io::Shape& other = parts[i].shape();
    bool fits = other.size() == shape.size();
    for (std::size_t d = 0; fits && d < shape.size(); ++d) {
      fits = d == dimension || other[d] == shape[d];
    }
    if (!fits) {
      return fail(ErrorCode::malformed,
                  "part " + std::to_string(i) + " of " + std::to_string(parts.size()) +
                      " has shape " + text_of(other) + " where part 0 has " + sizes(parts[0]) +
                      ": they cannot be joined along dimension " + std::to_string(dimension));
    }
    if (other[dimension] > ~std::uint64_t{0} - length) {
      return fail(ErrorCode::malformed, "parts that are too long together");
    }
    length += other[dimension];
  }
  shape[dimension] = length;
  if (const auto elements = checked_elements(shape); !elements) return fail(elements.error());

  std::uint64_t inner = 1;  // elements of one index of the dimension, where no size is 0
  for (std::size_t d = dimension + 1; d < shape.size(); ++d) inner *= shape[d];
  const std::uint64_t row = length * inner;
  std::vector<StridedBox> boxes;
  boxes.reserve(parts.size());
  std::uint64_t offset = 0;
  for (const View& part : parts) {
    if (part.elements() == 0) continue;
    const std::uint64_t own_row = part.shape()[dimension] * inner;
    if (!append_rows(part, own_row, row, offset, boxes)) {
      return fail(ErrorCode::internal, "a view whose boxes do not fit its own shape");
    }
    offset += own_row;
  }
  return View::of(std::move(shape), std::move(boxes));
}

Expected<View> stack(std::span<const View> parts, std::size_t dimension) {
  if (parts.empty()) return fail(ErrorCode::invalid_argument, "no tensors to stack");
  io::Shape shape = parts[0].shape();
  if (dimension > shape.size()) return no_dimension(parts[0], dimension);
  std::vector<StridedBox> boxes;
  boxes.reserve(parts.size());
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].shape() != shape) {
      return fail(ErrorCode::malformed, "part " + std::to_string(i) + " of " +
                                            std::to_string(parts.size()) + " has shape " +
                                            sizes(parts[i]) + " where part 0 has " +
                                            sizes(parts[0]) + ": only equal shapes can be stacked");
    }
    for (std::size_t b = 0; b < parts[i].box_count(); ++b) {
      boxes.push_back(parts[i].box(b));
      boxes.back().result_offset += offset;
    }
    offset += parts[i].elements();
  }
  shape.insert(shape.begin(), parts.size());
  if (const auto elements = checked_elements(shape); !elements) return fail(elements.error());
  auto front = View::of(std::move(shape), std::move(boxes));
  if (!front || dimension == 0) return front;
  return from_front(*front, dimension);
}

Expected<View> slice(const View& view, std::size_t dimension, std::uint64_t begin,
                     std::uint64_t end) {
  if (dimension >= view.shape().size()) return no_dimension(view, dimension);
  if (begin > end || end > view.shape()[dimension]) {
    return fail(ErrorCode::malformed, "indices " + std::to_string(begin) + " to " +
                                          std::to_string(end) + " are not in dimension " +
                                          std::to_string(dimension) + " of shape " + sizes(view));
  }
  const auto front = to_front(view, dimension);
  if (!front) return front;
  return slice_front(*front, dimension, begin, end);
}

Expected<std::vector<View>> split(const View& view, std::size_t dimension,
                                  std::span<const std::uint64_t> lengths) {
  if (dimension >= view.shape().size()) return no_dimension(view, dimension);
  const std::uint64_t size = view.shape()[dimension];
  std::uint64_t rest = size;
  for (const std::uint64_t length : lengths) {
    if (length > rest) {
      rest = size + 1;
      break;
    }
    rest -= length;
  }
  if (rest != 0) {
    return fail(ErrorCode::malformed, "parts whose lengths do not add up to " +
                                          std::to_string(size) + ", dimension " +
                                          std::to_string(dimension) + " of shape " + sizes(view));
  }
  const auto front = to_front(view, dimension);
  if (!front) return fail(front.error());
  std::vector<View> parts;
  parts.reserve(lengths.size());
  std::uint64_t begin = 0;
  for (const std::uint64_t length : lengths) {
    auto part = slice_front(*front, dimension, begin, begin + length);
    if (!part) return fail(part.error());
    parts.push_back(std::move(*part));
    begin += length;
  }
  return parts;
}

Expected<std::vector<View>> chunk(const View& view, std::size_t dimension, std::uint64_t parts) {
  if (dimension >= view.shape().size()) return no_dimension(view, dimension);
  if (parts == 0 || parts > most_parts) {
    return fail(ErrorCode::invalid_argument, "a tensor in " + std::to_string(parts) + " parts");
  }
  const std::uint64_t size = view.shape()[dimension];
  if (size % parts != 0) {
    return fail(ErrorCode::malformed, "dimension " + std::to_string(dimension) + " of shape " +
                                          sizes(view) + " has no " + std::to_string(parts) +
                                          " equal parts");
  }
  return split(view, dimension, std::vector<std::uint64_t>(parts, size / parts));
}

Expected<std::vector<View>> unstack(const View& view, std::size_t dimension) {
  if (dimension >= view.shape().size()) return no_dimension(view, dimension);
  const std::uint64_t size = view.shape()[dimension];
  if (size == 0) return std::vector<View>{};
  auto parts = chunk(view, dimension, size);
  if (!parts) return parts;
  for (View& part : *parts) {
    auto narrower = squeeze(part, dimension);
    if (!narrower) return fail(narrower.error());
    part = std::move(*narrower);
  }
  return parts;
}

namespace {

/// Interleaves dimension `dimension` within each of `groups` equal runs of it.
Expected<View> regroup(const View& view, std::size_t dimension, std::uint64_t groups,
                       Direction direction) {
  if (dimension >= view.shape().size()) return no_dimension(view, dimension);
  const std::uint64_t size = view.shape()[dimension];
  if (groups == 0) return fail(ErrorCode::invalid_argument, "a tensor of no heads");
  if (groups > size || size % groups != 0 || size / groups % 2 != 0) {
    if (size != 0) {
      return fail(ErrorCode::malformed, "dimension " + std::to_string(dimension) + " of shape " +
                                            sizes(view) + " has no " + std::to_string(groups) +
                                            " parts of even length");
    }
    return view;
  }
  const std::uint64_t half = size / groups / 2;
  io::Shape factored = view.shape();
  const auto at = factored.begin() + static_cast<std::ptrdiff_t>(dimension);
  const bool forward = direction == Direction::forward;
  *at = groups;
  factored.insert(at + 1, {forward ? half : 2, forward ? 2 : half});
  const auto pairs = reshape(view, std::move(factored));
  if (!pairs) return pairs;
  const auto halves = transpose(*pairs, dimension + 1, dimension + 2);
  if (!halves) return halves;
  return reshape(*halves, view.shape());
}

}  // namespace

Expected<View> interleave(const View& view, std::size_t dimension, Direction direction) {
  return regroup(view, dimension, 1, direction);
}

Expected<View> permute_for_rope(const View& view, std::uint64_t heads, Direction direction) {
  return regroup(view, 0, heads, direction);
}

}  // namespace plimsoll::views
