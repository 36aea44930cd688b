#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "views/strided_box.hpp"

namespace plimsoll::views {

/// How an output tensor is made of source tensors: its shape, and boxes that together name for each
/// of its elements exactly one source element. Both sides are dense, row-major tensors of the same
/// dtype; everything is counted in elements, so that the dtype does not matter. Sources are numbers
/// that the caller gives a meaning to (an index into the catalogue, say).
///
/// A value; building one needs no weights. The operations of views/operations.hpp make views of
/// views, each at a cost proportional to the boxes (n log n), whatever the sizes.
///
/// Kept normal: boxes lie in the order of the result, are tidied, and boxes that continue each
/// other are one: a tensor that is taken as it is has one box with one axis, a stack of 128 experts
/// has 128. (Boxes that continue each other are found when they are neighbours in the source or in
/// the result.) 32 bytes a box and 24 an axis.
class View {
 public:
  View() = default;

  /// The view with these boxes, which must cover a result of `shape` exactly once, in any order,
  /// each with nested axes. unsupported if a box has no relation to the dimensions of `shape`, as
  /// after a reshape that cuts through it irregularly.
  [[nodiscard]] static Expected<View> of(io::Shape shape, std::vector<StridedBox> boxes);

  /// A source tensor as it is: what of() makes of its one box. `elements` is the shape's product.
  [[nodiscard]] static View whole(std::uint32_t source, io::Shape shape, std::uint64_t elements);

  [[nodiscard]] const io::Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::uint64_t elements() const noexcept { return elements_; }

  [[nodiscard]] std::size_t box_count() const noexcept { return boxes_.size(); }
  [[nodiscard]] StridedBox box(std::size_t index) const noexcept;
  [[nodiscard]] std::vector<StridedBox> boxes() const;
  [[nodiscard]] std::uint32_t source(std::size_t index) const noexcept {
    return boxes_[index].source;
  }

  /// The boxes [first, last) are the only ones that may have elements in [begin, end) of the
  /// flattened result; some of them may not. O(log n).
  struct Candidates {
    std::size_t first = 0;
    std::size_t last = 0;
  };
  [[nodiscard]] Candidates candidates(std::uint64_t begin, std::uint64_t end) const noexcept;

  /// True if every box is a run: elements that follow each other in the source and in the result.
  /// Then the result can be read from one end to the other. Constant time.
  [[nodiscard]] bool is_made_of_runs() const noexcept { return made_of_runs_; }

  /// A box of a view that is made of runs.
  struct Run {
    std::uint32_t source = 0;
    std::uint64_t source_offset = 0;
    std::uint64_t result_offset = 0;
    std::uint64_t count = 0;
  };
  [[nodiscard]] Run run(std::size_t index) const noexcept;

  /// True if the result is one source as it is stored, or a contiguous part of it.
  [[nodiscard]] bool is_contiguous() const noexcept;

 private:
  struct StoredBox {
    std::uint64_t source_offset;
    std::uint64_t result_offset;
    std::uint64_t reach;  ///< one past the last result element of this box and all before it
    std::uint32_t source;
    std::uint32_t first_axis : 28;
    std::uint32_t axis_count : 4;
  };

  io::Shape shape_;
  std::uint64_t elements_ = 1;
  bool made_of_runs_ = true;
  std::vector<StoredBox> boxes_;
  std::vector<Axis> axes_;
};

/// The product of the sizes; nothing if it exceeds 2^63 - 1.
[[nodiscard]] Expected<std::uint64_t> checked_elements(const io::Shape& shape);

/// "[128, 768, 2048]".
[[nodiscard]] std::string text_of(const io::Shape& shape);

/// What one step along each dimension is in the flattened tensor, for the dimensions larger than 1,
/// outermost first: what split_at_dimensions() takes.
[[nodiscard]] std::vector<std::uint64_t> dimension_strides(const io::Shape& shape);

}  // namespace plimsoll::views
