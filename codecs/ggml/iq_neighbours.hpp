#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::codecs::ggml {

/// A vector of levels: eight of two bits each, from 0 to 2, or four of three bits, the first in the
/// least significant bits. Points of the IQ grids are such vectors, a level being the rank of an
/// element's magnitude.
using IqPoint = std::uint16_t;

/// A grid of the IQ types as their quantizers search it: for every vector of levels, whether it is
/// a point of the grid, or which points are near it.
class IqNeighbours {
 public:
  /// That many points can be read from a multiple of it on in a list: beyond the list's end its
  /// last point is repeated.
  static constexpr std::size_t padding = 8;

  // Each is made when first asked for (in milliseconds; 700 kB at most), by whatever thread comes
  // first, and lives as long as the process.
  static const IqNeighbours& iq2_xxs();
  static const IqNeighbours& iq2_xs();
  static const IqNeighbours& iq2_s();
  static const IqNeighbours& iq1();
  static const IqNeighbours& iq3_xxs();
  static const IqNeighbours& iq3_s();

  /// The entry of the vector whose levels are the digits of `rank`, the first the least
  /// significant: eight in base 3, or four in base 8.
  [[nodiscard]] std::int32_t entry(std::size_t rank) const { return entries_[rank]; }

  /// Whether the entry's vector is a point of the grid; the entry is then the point's code.
  static bool on_grid(std::int32_t entry) { return entry >= 0; }

  [[nodiscard]] IqPoint point(std::int32_t code) const {
    return points_[static_cast<std::size_t>(code)];
  }

  /// For other entries, the points near the vector: all those at the least distance, then all at
  /// the next one, for as many distances as the type's quantizer looks at; within a distance in the
  /// order of their codes. Never empty.
  [[nodiscard]] std::span<const IqPoint> near(std::int32_t entry) const {
    const IqPoint* list = lists_.data() + ~entry;
    return {list + 1, list[0]};
  }

 private:
  struct Shape;
  IqNeighbours(const Shape& shape, std::span<const std::uint32_t> ranks);
  void list_near(const Shape& shape, std::size_t rank, std::span<const std::uint8_t> distances);

  std::vector<std::int32_t> entries_;
  std::vector<IqPoint> points_;  // of the grid, by code
  std::vector<IqPoint> lists_;
};

}  // namespace plimsoll::codecs::ggml
