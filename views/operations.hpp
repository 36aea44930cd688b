#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "views/view.hpp"

namespace plimsoll::views {

// The operations that families' tensors need, on views. None touches a weight. Dimensions count
// from 0, the outermost. Every function fails with
//   invalid_argument  for a dimension, order or number of parts that makes no sense,
//   malformed         for sizes that do not fit the operation, which a checkpoint is to blame for:
//                     the reason names the part and the sizes,
//   unsupported       where no strided view expresses the result (see reshape).

/// A source tensor as it is.
[[nodiscard]] Expected<View> whole(std::uint32_t source, io::Shape shape);

/// The same elements in the same flattened order. A view of any operations below can be reshaped
/// unless a box of it would be cut in an irregular way (a stride that neither divides a new
/// dimension nor is a multiple of it, across an edge): that is unsupported. Adding, removing,
/// joining dimensions and splitting them evenly always works.
[[nodiscard]] Expected<View> reshape(const View& view, io::Shape shape);

/// A new dimension of size 1 before `dimension`, which may be the rank.
[[nodiscard]] Expected<View> unsqueeze(const View& view, std::size_t dimension);
/// Takes a dimension of size 1 away.
[[nodiscard]] Expected<View> squeeze(const View& view, std::size_t dimension);

/// Dimension i of the result is dimension order[i] of the view.
[[nodiscard]] Expected<View> permute(const View& view, std::span<const std::size_t> order);
[[nodiscard]] Expected<View> transpose(const View& view, std::size_t a, std::size_t b);

/// The parts one after the other along a dimension; their other sizes are equal. At least one part.
[[nodiscard]] Expected<View> concatenate(std::span<const View> parts, std::size_t dimension);
/// The parts along a new dimension; all sizes are equal. At least one part.
[[nodiscard]] Expected<View> stack(std::span<const View> parts, std::size_t dimension);

/// Indices [begin, end) of a dimension: a share of tensor parallelism, for one.
[[nodiscard]] Expected<View> slice(const View& view, std::size_t dimension, std::uint64_t begin,
                                   std::uint64_t end);
/// One part a size; the sizes add up to the dimension's.
[[nodiscard]] Expected<std::vector<View>> split(const View& view, std::size_t dimension,
                                                std::span<const std::uint64_t> sizes);
/// `parts` equal parts, at most 65536.
[[nodiscard]] Expected<std::vector<View>> chunk(const View& view, std::size_t dimension,
                                                std::uint64_t parts);
/// One part an index, without the dimension: the inverse of stack. At most 65536.
[[nodiscard]] Expected<std::vector<View>> unstack(const View& view, std::size_t dimension);

enum class Direction : std::uint8_t { forward, inverse };

/// Indices of an even-sized dimension regrouped: forward 0, 2, 4, ..., 1, 3, 5, ...; inverse undoes
/// that (the first half goes to the even places, the second to the odd ones).
[[nodiscard]] Expected<View> interleave(const View& view, std::size_t dimension,
                                        Direction direction = Direction::forward);

/// Rows of a query or key projection between the two layouts of rotary embeddings, head by head:
/// forward interleaves each of the `heads` as above (pairs side by side become halves), inverse
/// undoes it. Dimension 0 is a multiple of 2 * heads.
[[nodiscard]] Expected<View> permute_for_rope(const View& view, std::uint64_t heads,
                                              Direction direction = Direction::forward);

}  // namespace plimsoll::views
