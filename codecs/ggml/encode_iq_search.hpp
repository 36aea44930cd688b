#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/ggml/iq_neighbours.hpp"

namespace plimsoll::codecs::ggml {

/// A run: the elements of a super-block that share a scale, without their signs. Where the number
/// of signs is even by definition, an element may be negative.
struct IqRun {
  static constexpr std::size_t most_elements = 32;
  using Numbers = std::array<float, most_elements>;

  alignas(64) Numbers magnitudes;
  alignas(64) Numbers weights;       ///< of errors, when scales are compared
  alignas(64) Numbers weight_roots;  ///< of errors, when points are compared
};

/// What a run becomes: a scale, and points of the grid whose levels l stand for 2 l + 1 times it.
struct IqFit {
  std::array<IqPoint, 8> points{};
  float scale = 0.0f;
};

/// What is coded again with the scale that the best trial gave.
enum class IqRecode : std::uint8_t {
  off_grid,         ///< vectors that were no points of the grid
  all_if_off_grid,  ///< all, if any was no point, or if no trial was any good
  all,
};

/// How a type searches. A scale is tried that brings `reach`, about the largest magnitude, to the
/// highest value, and `tries` to either side that bring it to `step` more or less each time.
struct Iq2XxsSearch {
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t elements_of_point = 8;
  static constexpr int tries = 6;
  static constexpr float step = 0.1f;
  static constexpr IqRecode recode = IqRecode::all;
};
struct Iq2Search {
  static constexpr std::size_t elements = 16;
  static constexpr std::size_t elements_of_point = 8;
  static constexpr int tries = 9;
  static constexpr float step = 0.1f;
  static constexpr IqRecode recode = IqRecode::off_grid;
};
struct Iq3XxsSearch {
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t elements_of_point = 4;
  static constexpr int tries = 15;
  static constexpr float step = 0.2f;
  static constexpr IqRecode recode = IqRecode::off_grid;
};
struct Iq3SSearch {
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t elements_of_point = 4;
  static constexpr int tries = 9;
  static constexpr float step = 0.2f;
  static constexpr IqRecode recode = IqRecode::all_if_off_grid;
};

/// What follows from the number of elements of a point.
template <std::size_t elements_of_point>
struct IqLevels;
template <>
struct IqLevels<8> {
  static constexpr std::int32_t highest = 2;
  static constexpr unsigned bits = 2;
  static constexpr std::size_t rank_of(IqPoint point) {
    std::size_t rank = 0;
    for (unsigned i = 8; i-- > 0;) rank = rank * 3 + (point >> 2 * i & 3u);
    return rank;
  }
};
template <>
struct IqLevels<4> {
  static constexpr std::int32_t highest = 7;
  static constexpr unsigned bits = 3;
  static constexpr std::size_t rank_of(IqPoint point) { return point; }
};

/// The code of a point of the grid.
template <std::size_t elements_of_point>
std::uint32_t iq_code_of(const IqNeighbours& grid, IqPoint point) {
  const std::int32_t entry = grid.entry(IqLevels<elements_of_point>::rank_of(point));
  return static_cast<std::uint32_t>(std::max(entry, 0));
}

/// Finds a run's scale and points, given the scale in `fit` for the case that no trial is any good.
/// The scale may turn out negative. The scalar functions are the definition; the others, vector
/// code, give the same for finite numbers.
using IqSearchFunction = void (*)(const IqNeighbours& grid, const IqRun& run, float reach,
                                  IqFit& fit);

void iq2_xxs_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);
void iq2_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);
void iq3_xxs_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);
void iq3_s_search(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);

void iq2_xxs_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);
void iq2_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);
void iq3_xxs_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);
void iq3_s_search_scalar(const IqNeighbours& grid, const IqRun& run, float reach, IqFit& fit);

}  // namespace plimsoll::codecs::ggml
