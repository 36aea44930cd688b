#pragma once

#include <cstddef>
#include <cstdint>

namespace plimsoll::views {

/// Writes the transpose of a matrix of `rows` by `columns`: element (r, c) of the source, at
/// r * source_stride + c, goes to c * destination_stride + r. Strides and sizes in elements, which
/// need no alignment. Element is an unsigned integer of 8 to 64 bits.
template <class Element>
void transpose_matrix(const std::byte* source, std::uint64_t source_stride, std::byte* destination,
                      std::uint64_t destination_stride, std::uint64_t rows, std::uint64_t columns);

extern template void transpose_matrix<std::uint8_t>(const std::byte*, std::uint64_t, std::byte*,
                                                    std::uint64_t, std::uint64_t, std::uint64_t);
extern template void transpose_matrix<std::uint16_t>(const std::byte*, std::uint64_t, std::byte*,
                                                     std::uint64_t, std::uint64_t, std::uint64_t);
extern template void transpose_matrix<std::uint32_t>(const std::byte*, std::uint64_t, std::byte*,
                                                     std::uint64_t, std::uint64_t, std::uint64_t);
extern template void transpose_matrix<std::uint64_t>(const std::byte*, std::uint64_t, std::byte*,
                                                     std::uint64_t, std::uint64_t, std::uint64_t);

}  // namespace plimsoll::views
