#include <algorithm>

#include "codecs/ggml/encode_iq1.hpp"
#include "codecs/ggml/encode_iq1_contest.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/encode_iq1_search.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_iq_levels-inl.hpp"

// How it works. The splits of a run compete one after the other, and whether one wins depends on
// the last that did. But few win: a whole vector of splits is compared with the best so far, and
// only if one of them would win the vector is gone through one by one.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

Iq1Order order_of(const float* elements, std::size_t count) {
  return iq1_order_scalar(elements, count);
}
Iq1Split s_split(const Iq1Sums& sums) {
  return iq1_s_split_scalar(sums);
}
Iq1Split m_split(const float* elements, const float* weights, const Iq1Order& order) {
  return iq1_m_split_scalar(elements, weights, order);
}
IqPoint nearest(std::span<const IqPoint> near, const float* elements, const float* weights,
                float scale, const Iq1Values& values) {
  return iq1_nearest_scalar(near, elements, weights, scale, values);
}

#else

/// An element's place is the number of those that are less, or equal and before it.
Iq1Order order_of(const float* elements, std::size_t count) {
  const Floats d;
  const Ints di;
  Iq1Order order{};
  alignas(32) std::int32_t places[lanes];
  for (std::size_t first = 0; first < count; first += lanes) {
    const auto mine = hn::LoadU(d, elements + first);
    auto place = hn::Zero(di);
    for (std::size_t i = 0; i < count; ++i) {
      const auto other = hn::Set(d, elements[i]);
      if (i < first) {
        place = hn::Sub(place, as_int(hn::Le(other, mine)));
        continue;
      }
      place = hn::Sub(place, as_int(hn::Lt(other, mine)));
      if (i >= first + lanes) continue;
      const auto after = hn::Gt(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(i - first)));
      place = hn::Sub(place, hn::And(as_int(hn::Eq(other, mine)), hn::VecFromMask(di, after)));
    }
    hn::Store(place, di, places);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      order[static_cast<std::size_t>(places[lane])] = static_cast<std::uint8_t>(first + lane);
    }
  }
  return order;
}

/// Whether any of the lanes would win now.
template <class D, class V>
HWY_INLINE bool any_wins(D d, V qx, V qq, const Iq1Contest& contest) {
  const auto wins = hn::And(hn::Gt(qq, hn::Zero(d)),
                            hn::Gt(hn::Mul(qx, qx), hn::Mul(hn::Set(d, contest.score()), qq)));
  return !hn::AllFalse(d, wins);
}

// ---- IQ1_S: a lane is a second border ----

struct Sums {
  FloatVector qx;  // weighted: values times elements
  FloatVector qq;  // weighted: values squared
};

/// Three sums over the elements of each level, with the values of the levels.
HWY_INLINE Sums sums_with(const Iq1Values& values, const FloatVector (&wx)[3],
                          const FloatVector (&w)[3]) {
  const Floats d;
  FloatVector qx[3];
  FloatVector qq[3];
  for (std::size_t level = 0; level < 3; ++level) {
    const auto value = hn::Set(d, values[level]);
    qx[level] = hn::Mul(wx[level], value);
    qq[level] = hn::Mul(hn::Mul(w[level], value), value);
  }
  return {hn::Add(hn::Add(qx[0], qx[1]), qx[2]), hn::Add(hn::Add(qq[0], qq[1]), qq[2])};
}

void show_s_lanes(const Sums (&sums)[2], std::size_t first, std::size_t second,
                  Iq1Contest& contest) {
  const Floats d;
  alignas(32) float qx[2][lanes];
  alignas(32) float qq[2][lanes];
  for (std::size_t down = 0; down < 2; ++down) {
    hn::Store(sums[down].qx, d, qx[down]);
    hn::Store(sums[down].qq, d, qq[down]);
  }
  for (std::size_t lane = 0; lane < std::min(lanes, iq1_s_run + 1 - second); ++lane) {
    for (std::uint32_t down = 0; down < 2; ++down) {
      contest.show(qx[down][lane], qq[down][lane], first, second + lane, down);
    }
  }
}

Iq1Split s_split(const Iq1Sums& sums) {
  const Floats d;
  Iq1Contest contest;
  for (std::size_t first = 0; first <= iq1_s_run; ++first) {
    for (std::size_t second = first; second <= iq1_s_run; second += lanes) {
      const auto wx_before = hn::Set(d, sums.wx[first]);
      const auto w_before = hn::Set(d, sums.w[first]);
      const auto wx_until = hn::LoadU(d, &sums.wx[second]);
      const auto w_until = hn::LoadU(d, &sums.w[second]);
      const FloatVector wx[3] = {wx_before, hn::Sub(wx_until, wx_before),
                                 hn::Sub(hn::Set(d, sums.wx[iq1_s_run]), wx_until)};
      const FloatVector w[3] = {w_before, hn::Sub(w_until, w_before),
                                hn::Sub(hn::Set(d, sums.w[iq1_s_run]), w_until)};
      const Sums shifted[2] = {sums_with(iq1_values[0], wx, w), sums_with(iq1_values[1], wx, w)};
      if (any_wins(d, shifted[0].qx, shifted[0].qq, contest) ||
          any_wins(d, shifted[1].qx, shifted[1].qq, contest)) {
        show_s_lanes(shifted, first, second, contest);
      }
    }
  }
  return contest.best();
}

// ---- IQ1_M: a lane is one of the four ways to shift two times eight elements ----

using FourFloats = hn::FixedTag<float, 4>;

struct FourSums {
  hn::Vec<FourFloats> qx = hn::Zero(FourFloats());
  hn::Vec<FourFloats> qq = hn::Zero(FourFloats());

  HWY_INLINE FourSums() {}
  HWY_INLINE void add(const FourSums& other) {
    qx = hn::Add(qx, other.qx);
    qq = hn::Add(qq, other.qq);
  }
};

/// What an element adds to the sums at each level.
struct Terms {
  FourSums of_level[3];

  HWY_INLINE Terms() {}
};

void set_terms(float element, float weight, bool in_first_eight, Terms& terms) {
  const FourFloats d;
  for (std::size_t level = 0; level < 3; ++level) {
    const float up = iq1_values[0][level];
    const float down = iq1_values[1][level];
    alignas(16) const float first_eight[4] = {up, up, down, down};
    alignas(16) const float last_eight[4] = {up, down, up, down};
    const auto value = hn::Load(d, in_first_eight ? first_eight : last_eight);
    const auto weighted = hn::Mul(hn::Set(d, weight), value);
    terms.of_level[level].qx = hn::Mul(weighted, hn::Set(d, element));
    terms.of_level[level].qq = hn::Mul(weighted, value);
  }
}

HWY_INLINE void show_m_lanes(const FourSums& sums, std::size_t first, std::size_t second,
                             Iq1Contest& contest) {
  const FourFloats d;
  if (!any_wins(d, sums.qx, sums.qq, contest)) return;
  alignas(16) float qx[4];
  alignas(16) float qq[4];
  hn::Store(sums.qx, d, qx);
  hn::Store(sums.qq, d, qq);
  for (std::uint32_t down = 0; down < 4; ++down) {
    contest.show(qx[down], qq[down], first, second, down);
  }
}

/// The sums up to the borders are carried on from split to split; what follows is summed anew.
Iq1Split m_split(const float* elements, const float* weights, const Iq1Order& order) {
  Terms terms[iq1_m_run];
  for (std::size_t i = 0; i < iq1_m_run; ++i) {
    set_terms(elements[order[i]], weights[order[i]], order[i] < 8, terms[i]);
  }
  Iq1Contest contest;
  FourSums before_first;
  for (std::size_t first = 0; first <= iq1_m_run; ++first) {
    FourSums before_second = before_first;
    for (std::size_t second = first; second <= iq1_m_run; ++second) {
      FourSums all = before_second;
      for (std::size_t i = second; i < iq1_m_run; ++i) all.add(terms[i].of_level[2]);
      show_m_lanes(all, first, second, contest);
      if (second < iq1_m_run) before_second.add(terms[second].of_level[1]);
    }
    if (first < iq1_m_run) before_first.add(terms[first].of_level[0]);
  }
  return contest.best();
}

IqPoint nearest(std::span<const IqPoint> near, const float* elements, const float* weights,
                float scale, const Iq1Values& values) {
  const auto scaled =
      level_table<2>([&](std::size_t level) { return level < 3 ? scale * values[level] : 0.0f; });
  return nearest_point(near, PointErrors<2, 8>(elements, weights, scaled));
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes their addresses from elsewhere.
Iq1Order iq1_order_lanes(const float* elements, std::size_t count) {
  return order_of(elements, count);
}
Iq1Split iq1_s_split_lanes(const Iq1Sums& sums) {
  return s_split(sums);
}
Iq1Split iq1_m_split_lanes(const float* elements, const float* weights, const Iq1Order& order) {
  return m_split(elements, weights, order);
}
IqPoint iq1_nearest_lanes(std::span<const IqPoint> near, const float* elements,
                          const float* weights, float scale, const Iq1Values& values) {
  return nearest(near, elements, weights, scale, values);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(iq1_order_lanes);
HWY_EXPORT(iq1_s_split_lanes);
HWY_EXPORT(iq1_m_split_lanes);
HWY_EXPORT(iq1_nearest_lanes);

Iq1Order iq1_order(const float* elements, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(iq1_order_lanes)(elements, count);
}

Iq1Split iq1_s_split(const Iq1Sums& sums) {
  return HWY_DYNAMIC_DISPATCH(iq1_s_split_lanes)(sums);
}

Iq1Split iq1_m_split(const float* elements, const float* weights, const Iq1Order& order) {
  return HWY_DYNAMIC_DISPATCH(iq1_m_split_lanes)(elements, weights, order);
}

IqPoint iq1_nearest(std::span<const IqPoint> near, const float* elements, const float* weights,
                    float scale, const Iq1Values& values) {
  return HWY_DYNAMIC_DISPATCH(iq1_nearest_lanes)(near, elements, weights, scale, values);
}

}  // namespace plimsoll::codecs::ggml
#endif
