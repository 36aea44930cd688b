#include "views/transpose.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "views/transpose.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

// Squares of one 128-bit vector a side: unpacking the upper with the lower half of the rows, as
// often as halving leads to one row, transposes a square. Wider vectors would not help: memory is
// what it waits for. Squares are taken in tiles of a cache line a side, so that a line is read and
// written while it is in the first cache, and within a tile by rows of squares: source rows are
// often a power of two apart and then share a set of that cache, which has room for the rows of one
// square.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::views {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

template <class Element>
HWY_INLINE void transpose_square(const Element* source, std::size_t source_stride,
                                 Element* destination, std::size_t destination_stride) {
  constexpr std::size_t n = 16 / sizeof(Element);
  const hn::FixedTag<Element, n> d;
  hn::Vec<decltype(d)> rows[n];
  for (std::size_t i = 0; i < n; ++i) rows[i] = hn::LoadU(d, source + i * source_stride);
  for (std::size_t length = n; length > 1; length /= 2) {
    hn::Vec<decltype(d)> woven[n];
    for (std::size_t i = 0; i < n / 2; ++i) {
      woven[2 * i] = hn::InterleaveLower(d, rows[i], rows[i + n / 2]);
      woven[2 * i + 1] = hn::InterleaveUpper(d, rows[i], rows[i + n / 2]);
    }
    for (std::size_t i = 0; i < n; ++i) rows[i] = woven[i];
  }
  for (std::size_t i = 0; i < n; ++i) hn::StoreU(rows[i], d, destination + i * destination_stride);
}

/// `rows` and `columns` are multiples of a square's side.
template <class Element>
void transpose_squares(const Element* source, std::uint64_t source_stride, Element* destination,
                       std::uint64_t destination_stride, std::uint64_t rows,
                       std::uint64_t columns) {
  constexpr std::uint64_t tile = 64 / sizeof(Element);
  constexpr std::uint64_t side = 16 / sizeof(Element);
  for (std::uint64_t r0 = 0; r0 < rows; r0 += tile) {
    const std::uint64_t r1 = std::min(r0 + tile, rows);
    for (std::uint64_t c0 = 0; c0 < columns; c0 += tile) {
      const std::uint64_t c1 = std::min(c0 + tile, columns);
      for (std::uint64_t r = r0; r < r1; r += side) {
        for (std::uint64_t c = c0; c < c1; c += side) {
          transpose_square(source + r * source_stride + c, source_stride,
                           destination + c * destination_stride + r, destination_stride);
        }
      }
    }
  }
}

#else

template <class Element>
void transpose_squares(const Element* source, std::uint64_t source_stride, Element* destination,
                       std::uint64_t destination_stride, std::uint64_t rows,
                       std::uint64_t columns) {
  for (std::uint64_t c = 0; c < columns; ++c) {
    for (std::uint64_t r = 0; r < rows; ++r) {
      std::memcpy(destination + c * destination_stride + r, source + r * source_stride + c,
                  sizeof(Element));
    }
  }
}

#endif

}  // namespace

void squares_of_1(const std::uint8_t* source, std::uint64_t source_stride,
                  std::uint8_t* destination, std::uint64_t destination_stride, std::uint64_t rows,
                  std::uint64_t columns) {
  transpose_squares(source, source_stride, destination, destination_stride, rows, columns);
}

void squares_of_2(const std::uint16_t* source, std::uint64_t source_stride,
                  std::uint16_t* destination, std::uint64_t destination_stride, std::uint64_t rows,
                  std::uint64_t columns) {
  transpose_squares(source, source_stride, destination, destination_stride, rows, columns);
}

void squares_of_4(const std::uint32_t* source, std::uint64_t source_stride,
                  std::uint32_t* destination, std::uint64_t destination_stride, std::uint64_t rows,
                  std::uint64_t columns) {
  transpose_squares(source, source_stride, destination, destination_stride, rows, columns);
}

void squares_of_8(const std::uint64_t* source, std::uint64_t source_stride,
                  std::uint64_t* destination, std::uint64_t destination_stride, std::uint64_t rows,
                  std::uint64_t columns) {
  transpose_squares(source, source_stride, destination, destination_stride, rows, columns);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::views
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::views {

namespace {

HWY_EXPORT(squares_of_1);
HWY_EXPORT(squares_of_2);
HWY_EXPORT(squares_of_4);
HWY_EXPORT(squares_of_8);

template <class Element>
void transpose_plainly(const std::byte* source, std::uint64_t source_stride, std::byte* destination,
                       std::uint64_t destination_stride, std::uint64_t rows,
                       std::uint64_t columns) {
  for (std::uint64_t c = 0; c < columns; ++c) {
    for (std::uint64_t r = 0; r < rows; ++r) {
      std::memcpy(destination + (c * destination_stride + r) * sizeof(Element),
                  source + (r * source_stride + c) * sizeof(Element), sizeof(Element));
    }
  }
}

}  // namespace

template <class Element>
void transpose_matrix(const std::byte* source, std::uint64_t source_stride, std::byte* destination,
                      std::uint64_t destination_stride, std::uint64_t rows, std::uint64_t columns) {
  constexpr std::uint64_t side = 16 / sizeof(Element);
  const std::uint64_t square_rows = rows / side * side;
  const std::uint64_t square_columns = columns / side * side;
  const auto* from = reinterpret_cast<const Element*>(source);
  auto* to = reinterpret_cast<Element*>(destination);
  const auto squares = [&](auto transpose_squares) {
    transpose_squares(from, source_stride, to, destination_stride, square_rows, square_columns);
  };
  if (square_rows != 0 && square_columns != 0) {
    if constexpr (sizeof(Element) == 1) squares(HWY_DYNAMIC_DISPATCH(squares_of_1));
    if constexpr (sizeof(Element) == 2) squares(HWY_DYNAMIC_DISPATCH(squares_of_2));
    if constexpr (sizeof(Element) == 4) squares(HWY_DYNAMIC_DISPATCH(squares_of_4));
    if constexpr (sizeof(Element) == 8) squares(HWY_DYNAMIC_DISPATCH(squares_of_8));
  }
  const auto plainly = [&](std::uint64_t r, std::uint64_t c, std::uint64_t r1, std::uint64_t c1) {
    transpose_plainly<Element>(source + (r * source_stride + c) * sizeof(Element), source_stride,
                               destination + (c * destination_stride + r) * sizeof(Element),
                               destination_stride, r1 - r, c1 - c);
  };
  plainly(square_rows, 0, rows, columns);
  plainly(0, square_columns, square_rows, columns);
}

template void transpose_matrix<std::uint8_t>(const std::byte*, std::uint64_t, std::byte*,
                                             std::uint64_t, std::uint64_t, std::uint64_t);
template void transpose_matrix<std::uint16_t>(const std::byte*, std::uint64_t, std::byte*,
                                              std::uint64_t, std::uint64_t, std::uint64_t);
template void transpose_matrix<std::uint32_t>(const std::byte*, std::uint64_t, std::byte*,
                                              std::uint64_t, std::uint64_t, std::uint64_t);
template void transpose_matrix<std::uint64_t>(const std::byte*, std::uint64_t, std::byte*,
                                              std::uint64_t, std::uint64_t, std::uint64_t);

}  // namespace plimsoll::views
#endif
