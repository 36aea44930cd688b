#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "views/view.hpp"

namespace plimsoll::views::test {

/// A tensor that exists, for the plainest possible version of every operation. An element's value
/// says which source element it is: (source << 32) | place.
struct DenseTensor {
  io::Shape shape;
  std::vector<std::uint64_t> values;
};

using Index = std::vector<std::uint64_t>;

[[nodiscard]] DenseTensor dense_source(std::uint32_t source, const io::Shape& shape);
[[nodiscard]] DenseTensor dense_reshape(DenseTensor tensor, const io::Shape& shape);
[[nodiscard]] DenseTensor dense_transpose(const DenseTensor& tensor, std::size_t a, std::size_t b);
[[nodiscard]] DenseTensor dense_concatenate(std::span<const DenseTensor> parts, std::size_t dim);
[[nodiscard]] DenseTensor dense_slice(const DenseTensor& tensor, std::size_t dim,
                                      std::uint64_t begin, std::uint64_t end);

/// Element `from(i)` of dimension `dim` becomes element i.
[[nodiscard]] DenseTensor dense_gather(const DenseTensor& tensor, std::size_t dim,
                                       const std::function<std::uint64_t(std::uint64_t)>& from);

/// What a view says that its result is, box by box; ~0 where it says nothing or something twice.
[[nodiscard]] DenseTensor dense_of(const View& view);

[[nodiscard]] bool operator==(const DenseTensor& a, const DenseTensor& b);

}  // namespace plimsoll::views::test
