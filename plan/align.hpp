#pragma once

#include <cstdint>

namespace plimsoll::plan {

/// Memory of slots, buffers and arenas is counted in whole pages of this size.
inline constexpr std::uint64_t page_size = 4096;

/// Components in memory begin at multiples of this: a cache line, and what DLPack readers expect.
inline constexpr std::uint64_t component_alignment = 64;

/// The smallest multiple of `alignment` (a power of two) that is not below `value`.
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

/// Whole pages that hold `bytes`, at least one: a buffer exists even for an empty tensor.
[[nodiscard]] constexpr std::uint64_t whole_pages(std::uint64_t bytes) {
  return bytes == 0 ? page_size : align_up(bytes, page_size);
}

}  // namespace plimsoll::plan
