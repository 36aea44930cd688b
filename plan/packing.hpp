#pragma once

#include <algorithm>
#include <cstdint>

#include "plimsoll/dtype.hpp"

namespace plimsoll::plan {

/// How densely numbers are stored: `bytes` bytes hold `elements` of them, which cannot be parted.
struct Packing {
  std::uint32_t elements = 1;
  std::uint32_t bytes = 1;

  friend bool operator==(const Packing&, const Packing&) = default;
};

/// Plain numbers; those of less than a byte are counted in bytes.
[[nodiscard]] inline Packing packing_of(Dtype dtype) noexcept {
  return {1, std::max<std::uint32_t>(bits_of(dtype) / 8, 1)};
}

/// Bytes of so many numbers; a part of a block counts as a whole one.
[[nodiscard]] constexpr std::uint64_t stored_bytes(Packing packing,
                                                   std::uint64_t elements) noexcept {
  return (elements / packing.elements + (elements % packing.elements != 0)) * packing.bytes;
}

/// The numbers in so many bytes.
[[nodiscard]] constexpr std::uint64_t stored_elements(Packing packing,
                                                      std::uint64_t bytes) noexcept {
  return bytes / packing.bytes * packing.elements;
}

/// Whether a block of `a` takes more room an element than one of `b`.
[[nodiscard]] constexpr bool is_wider(Packing a, Packing b) noexcept {
  return std::uint64_t{a.bytes} * b.elements > std::uint64_t{b.bytes} * a.elements;
}

}  // namespace plimsoll::plan
