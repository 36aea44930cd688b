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

}  // namespace plimsoll::plan
