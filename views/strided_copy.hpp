#pragma once

#include <cstddef>

#include "views/strided_box.hpp"

namespace plimsoll::views {

/// Carries out one copy: element i of the source side lies at source + i * element_bytes, likewise
/// on the result's side. `element_bytes` is 1, 2, 4 or 8; no alignment is asked of either side;
/// they do not overlap. No allocation. Contiguous stretches go at the speed of memcpy, transposes
/// in tiles that fit the first cache, with vectors; other strides element by element.
void copy_strided(const StridedBox& copy, const std::byte* source, std::byte* destination,
                  std::size_t element_bytes);

}  // namespace plimsoll::views
