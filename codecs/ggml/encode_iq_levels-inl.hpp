// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_ENCODE_IQ_LEVELS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_ENCODE_IQ_LEVELS_INL_HPP
#undef PLIMSOLL_CODECS_GGML_ENCODE_IQ_LEVELS_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_ENCODE_IQ_LEVELS_INL_HPP
#endif

#include <hwy/highway.h>

#include <limits>
#include <span>

#include "codecs/ggml/encode_lanes-inl.hpp"
#include "codecs/ggml/iq_neighbours.hpp"

// An element of a point has one of a few levels. So whatever an element contributes to a sum over
// the elements of many points is computed once a level, and then looked up by every point.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

/// A number for each level of `bits` bits. With spare lanes the levels repeat.
template <unsigned bits>
struct LevelTable {
  static constexpr std::size_t levels = std::size_t{1} << bits;
  static constexpr std::size_t parts = levels > lanes ? levels / lanes : 1;
  FloatVector part[parts];

  HWY_INLINE LevelTable() {}

  /// What the table has for the levels in the low bits of the lanes, whatever stands above them.
  [[nodiscard]] HWY_INLINE FloatVector at(WordVector level) const {
#if HWY_TARGET <= HWY_AVX2
    return FloatVector{_mm256_permutevar8x32_ps(part[0].raw, level.raw)};
#else
    const Floats d;
    const Words dw;
    const auto lane = hn::And(level, hn::Set(dw, lanes - 1));
    const auto index = hn::IndicesFromVec(d, lane);
    const auto found = hn::TableLookupLanes(part[0], index);
    if constexpr (parts == 1) return found;
    const auto in_second = hn::TestBit(level, hn::Set(dw, static_cast<std::uint32_t>(lanes)));
    return hn::IfThenElse(hn::RebindMask(d, in_second),
                          hn::TableLookupLanes(part[parts - 1], index), found);
#endif
  }
};

/// A table of given numbers.
template <unsigned bits, class NumberOf>
LevelTable<bits> level_table(NumberOf number_of) {
  LevelTable<bits> table;
  for (std::size_t p = 0; p < table.parts; ++p) {
    alignas(32) float numbers[lanes];
    for (std::size_t i = 0; i < lanes; ++i) {
      numbers[i] = number_of((p * lanes + i) % table.levels);
    }
    table.part[p] = hn::Load(Floats(), numbers);
  }
  return table;
}

/// As many points as there are lanes.
HWY_INLINE WordVector load_points(const IqPoint* points) {
  return hn::PromoteTo(Words(), hn::LoadU(hn::Rebind<IqPoint, Words>(), points));
}

/// Weighted errors of points: the sum, in the order of the elements, of weight times error times
/// error, where the error is that of `scaled`, a value for each level, from the element.
template <unsigned bits, std::size_t elements_of_point>
class PointErrors {
 public:
  HWY_INLINE PointErrors(const float* elements, const float* weights,
                         const LevelTable<bits>& scaled) {
    const Floats d;
    for (std::size_t i = 0; i < elements_of_point; ++i) {
      for (std::size_t p = 0; p < scaled.parts; ++p) {
        const auto error = hn::Sub(scaled.part[p], hn::Set(d, elements[i]));
        terms_[i].part[p] = hn::Mul(hn::Mul(hn::Set(d, weights[i]), error), error);
      }
    }
  }

  [[nodiscard]] HWY_INLINE FloatVector of(WordVector points) const {
    auto sum = terms_[0].at(points);
    for (std::size_t i = 1; i < elements_of_point; ++i) {
      points = hn::ShiftRight<bits>(points);
      sum = hn::Add(sum, terms_[i].at(points));
    }
    return sum;
  }

 private:
  LevelTable<bits> terms_[elements_of_point];
};

/// The first of the points with the least error, or of all points if no error is a number.
template <unsigned bits, std::size_t elements_of_point>
HWY_INLINE IqPoint nearest_point(std::span<const IqPoint> near,
                                 const PointErrors<bits, elements_of_point>& errors) {
  const Floats d;
  const Ints di;
  const auto most = hn::Set(d, std::numeric_limits<float>::max());
  auto least = errors.of(load_points(near.data()));
  least = hn::IfThenElse(hn::Lt(least, most), least, most);
  if (near.size() <= lanes) {
    const auto is_least = hn::Eq(least, hn::MinOfLanes(d, least));
    return near.data()[hn::FindFirstTrue(d, is_least)];
  }
  auto place = hn::Iota(di, 0);
  auto place_of_least = place;
  for (std::size_t first = lanes; first < near.size(); first += lanes) {
    const auto error = errors.of(load_points(near.data() + first));
    const auto better = hn::Lt(error, least);
    least = hn::IfThenElse(better, error, least);
    place = hn::Add(place, hn::Set(di, static_cast<std::int32_t>(lanes)));
    place_of_least = hn::IfThenElse(hn::RebindMask(di, better), place, place_of_least);
  }
  const auto is_least = hn::RebindMask(di, hn::Eq(least, hn::MinOfLanes(d, least)));
  const auto none = hn::Set(di, std::numeric_limits<std::int32_t>::max());
  const auto places = hn::IfThenElse(is_least, place_of_least, none);
  return near.data()[hn::GetLane(hn::MinOfLanes(di, places))];
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
