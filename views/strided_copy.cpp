#include "views/strided_copy.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "views/transpose.hpp"

namespace plimsoll::views {

namespace {

/// Calls `inner(source, destination)` for every index of the axes, which exclude those that `inner`
/// itself walks.
template <class Inner>
void for_each_index(std::span<const Axis> axes, const std::byte* source, std::byte* destination,
                    std::size_t element_bytes, const Inner& inner) {
  if (axes.empty()) return inner(source, destination);
  const Axis& axis = axes.front();
  for (std::uint64_t i = 0; i < axis.extent; ++i) {
    for_each_index(axes.subspan(1), source + i * axis.source_stride * element_bytes,
                   destination + i * axis.result_stride * element_bytes, element_bytes, inner);
  }
}

template <class Element>
void copy_elements(const Axis& axis, const std::byte* source, std::byte* destination) {
  for (std::uint64_t i = 0; i < axis.extent; ++i) {
    std::memcpy(destination, source, sizeof(Element));
    source += axis.source_stride * sizeof(Element);
    destination += axis.result_stride * sizeof(Element);
  }
}

template <class Element>
void copy_of(StridedBox box, const std::byte* source, std::byte* destination) {
  constexpr std::size_t bytes = sizeof(Element);
  source += box.source_offset * bytes;
  destination += box.result_offset * bytes;
  const auto axes = box.used();
  if (axes.empty()) {
    std::memcpy(destination, source, bytes);
    return;
  }
  const Axis last = axes.back();
  if (last.result_stride == 1 && last.source_stride == 1) {
    for_each_index(
        axes.first(axes.size() - 1), source, destination, bytes,
        [&](const std::byte* from, std::byte* to) { std::memcpy(to, from, last.extent * bytes); });
    return;
  }
  const auto contiguous = std::find_if(axes.begin(), axes.end(),
                                       [](const Axis& axis) { return axis.source_stride == 1; });
  if (last.result_stride == 1 && contiguous != axes.end()) {
    const Axis rows = *contiguous;
    std::rotate(contiguous, contiguous + 1, axes.end());
    for_each_index(axes.first(axes.size() - 2), source, destination, bytes,
                   [&](const std::byte* from, std::byte* to) {
                     transpose_matrix<Element>(from, last.source_stride, to, rows.result_stride,
                                               last.extent, rows.extent);
                   });
    return;
  }
  for_each_index(
      axes.first(axes.size() - 1), source, destination, bytes,
      [&](const std::byte* from, std::byte* to) { copy_elements<Element>(last, from, to); });
}

}  // namespace

void copy_strided(const StridedBox& copy, const std::byte* source, std::byte* destination,
                  std::size_t element_bytes) {
  switch (element_bytes) {
    case 1:
      return copy_of<std::uint8_t>(copy, source, destination);
    case 2:
      return copy_of<std::uint16_t>(copy, source, destination);
    case 4:
      return copy_of<std::uint32_t>(copy, source, destination);
    default:
      return copy_of<std::uint64_t>(copy, source, destination);
  }
}

}  // namespace plimsoll::views
