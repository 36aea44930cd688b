#include "codecs/ggml/iq_neighbours.hpp"

#include <algorithm>
#include <array>

#include "codecs/ggml/iq_grids.hpp"

namespace plimsoll::codecs::ggml {

struct IqNeighbours::Shape {
  std::uint32_t base;        // levels of an element
  std::uint32_t halves;      // vectors of half of the elements
  std::size_t distances;     // how many different ones a list has
  std::uint32_t level_bits;  // in a point

  [[nodiscard]] IqPoint point_of(std::uint32_t rank) const {
    std::uint32_t point = 0;
    for (std::uint32_t shift = 0; rank != 0; shift += level_bits, rank /= base) {
      point |= rank % base << shift;
    }
    return static_cast<IqPoint>(point);
  }
};

namespace {

constexpr std::size_t most_halves = 81;

/// Squared distances between vectors of half of the elements.
using HalfDistances = std::array<std::array<std::uint8_t, most_halves>, most_halves>;

HalfDistances half_distances_of(std::uint32_t base, std::uint32_t halves) {
  HalfDistances distances{};
  for (std::uint32_t from = 0; from < halves; ++from) {
    for (std::uint32_t to = 0; to < halves; ++to) {
      std::uint32_t sum = 0;
      for (std::uint32_t a = from, b = to; a != 0 || b != 0; a /= base, b /= base) {
        const std::uint32_t apart = std::max(a % base, b % base) - std::min(a % base, b % base);
        sum += apart * apart;
      }
      distances[from][to] = static_cast<std::uint8_t>(sum);
    }
  }
  return distances;
}

/// The ranks of a grid's points. `level` turns an element into its level.
template <class Point, std::size_t count, class Level>
std::array<std::uint32_t, count> ranks_of(const std::array<Point, count>& grid, std::uint32_t base,
                                          Level level) {
  std::array<std::uint32_t, count> ranks{};
  for (std::size_t code = 0; code < count; ++code) {
    for (std::size_t i = sizeof(Point); i-- > 0;) {
      const auto element = static_cast<std::int8_t>(grid[code] >> 8 * i);
      ranks[code] = ranks[code] * base + static_cast<std::uint32_t>(level(element));
    }
  }
  return ranks;
}

int iq2_level(int magnitude) {
  return magnitude / 17;  // of 8, 25 and 43
}

}  // namespace

IqNeighbours::IqNeighbours(const Shape& shape, std::span<const std::uint32_t> ranks) {
  points_.reserve(ranks.size());
  entries_.assign(std::size_t{shape.halves} * shape.halves, -1);
  for (std::size_t code = 0; code < ranks.size(); ++code) {
    entries_[ranks[code]] = static_cast<std::int32_t>(code);
    points_.push_back(shape.point_of(ranks[code]));
  }
  const HalfDistances halves = half_distances_of(shape.base, shape.halves);
  std::vector<std::uint8_t> distances(ranks.size());
  for (std::uint32_t rank = 0; rank < entries_.size(); ++rank) {
    if (on_grid(entries_[rank])) continue;
    const auto& high = halves[rank / shape.halves];
    const auto& low = halves[rank % shape.halves];
    for (std::size_t code = 0; code < ranks.size(); ++code) {
      distances[code] = static_cast<std::uint8_t>(high[ranks[code] / shape.halves] +
                                                  low[ranks[code] % shape.halves]);
    }
    list_near(shape, rank, distances);
  }
  lists_.shrink_to_fit();
}

void IqNeighbours::list_near(const Shape& shape, std::size_t rank,
                             std::span<const std::uint8_t> distances) {
  std::array<bool, 256> occurs{};
  for (const std::uint8_t distance : distances) occurs[distance] = true;
  const std::size_t start = lists_.size();
  lists_.push_back(0);
  std::size_t listed = 0;
  for (std::size_t distance = 0; distance < occurs.size() && listed < shape.distances; ++distance) {
    if (!occurs[distance]) continue;
    ++listed;
    for (std::size_t code = 0; code < distances.size(); ++code) {
      if (distances[code] == distance) lists_.push_back(points_[code]);
    }
  }
  const std::size_t points = lists_.size() - start - 1;
  lists_[start] = static_cast<IqPoint>(points);
  while ((lists_.size() - start - 1) % padding != 0) lists_.push_back(lists_.back());
  entries_[rank] = ~static_cast<std::int32_t>(start);
}

const IqNeighbours& IqNeighbours::iq2_xxs() {
  static const IqNeighbours neighbours({3, 81, 2, 2}, ranks_of(iq2_xxs_grid, 3, iq2_level));
  return neighbours;
}

const IqNeighbours& IqNeighbours::iq2_xs() {
  static const IqNeighbours neighbours({3, 81, 2, 2}, ranks_of(iq2_xs_grid, 3, iq2_level));
  return neighbours;
}

const IqNeighbours& IqNeighbours::iq2_s() {
  static const IqNeighbours neighbours({3, 81, 1, 2}, ranks_of(iq2_s_grid, 3, iq2_level));
  return neighbours;
}

const IqNeighbours& IqNeighbours::iq1() {
  static const IqNeighbours neighbours(
      {3, 81, 3, 2}, ranks_of(iq1_grid, 3, [](int element) { return element + 1; }));
  return neighbours;
}

const IqNeighbours& IqNeighbours::iq3_xxs() {
  static const IqNeighbours neighbours(
      {8, 64, 2, 3}, ranks_of(iq3_xxs_grid, 8, [](int magnitude) { return magnitude / 8; }));
  return neighbours;
}

const IqNeighbours& IqNeighbours::iq3_s() {
  static const IqNeighbours neighbours(
      {8, 64, 3, 3}, ranks_of(iq3_s_grid, 8, [](int magnitude) { return magnitude / 2; }));
  return neighbours;
}

}  // namespace plimsoll::codecs::ggml
