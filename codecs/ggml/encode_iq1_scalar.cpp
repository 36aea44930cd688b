#include <limits>

#include "codecs/ggml/encode_iq1.hpp"
#include "codecs/ggml/encode_iq1_contest.hpp"

namespace plimsoll::codecs::ggml {

Iq1Order iq1_order_scalar(const float* elements, std::size_t count) {
  Iq1Order order{};
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t place = i;
    for (; place > 0 && elements[i] < elements[order[place - 1]]; --place) {
      order[place] = order[place - 1];
    }
    order[place] = static_cast<std::uint8_t>(i);
  }
  return order;
}

Iq1Split iq1_s_split_scalar(const Iq1Sums& sums) {
  constexpr std::size_t last = iq1_s_run;
  Iq1Contest contest;
  for (std::size_t first = 0; first <= last; ++first) {
    for (std::size_t second = first; second <= last; ++second) {
      const std::array<float, 3> wx = {sums.wx[first], sums.wx[second] - sums.wx[first],
                                       sums.wx[last] - sums.wx[second]};
      const std::array<float, 3> w = {sums.w[first], sums.w[second] - sums.w[first],
                                      sums.w[last] - sums.w[second]};
      for (std::uint32_t down = 0; down < 2; ++down) {
        const Iq1Values& v = iq1_values[down];
        const float qx = wx[0] * v[0] + wx[1] * v[1] + wx[2] * v[2];
        const float qq = w[0] * v[0] * v[0] + w[1] * v[1] * v[1] + w[2] * v[2] * v[2];
        contest.show(qx, qq, first, second, down);
      }
    }
  }
  return contest.best();
}

Iq1Split iq1_m_split_scalar(const float* elements, const float* weights, const Iq1Order& order) {
  Iq1Contest contest;
  for (std::size_t first = 0; first <= iq1_m_run; ++first) {
    for (std::size_t second = first; second <= iq1_m_run; ++second) {
      for (std::uint32_t down = 0; down < 4; ++down) {
        float qx = 0.0f;
        float qq = 0.0f;
        for (std::size_t i = 0; i < iq1_m_run; ++i) {
          const std::size_t level = i < first ? 0 : i < second ? 1 : 2;
          const std::size_t place = order[i];
          const float value = iq1_values[place < 8 ? down >> 1 : down & 1u][level];
          qx += weights[place] * value * elements[place];
          qq += weights[place] * value * value;
        }
        contest.show(qx, qq, first, second, down);
      }
    }
  }
  return contest.best();
}

IqPoint iq1_nearest_scalar(std::span<const IqPoint> near, const float* elements,
                           const float* weights, float scale, const Iq1Values& values) {
  IqPoint best = near.front();
  float least = std::numeric_limits<float>::max();
  for (const IqPoint point : near) {
    float distance = 0.0f;
    for (std::size_t i = 0; i < 8; ++i) {
      const float error = scale * values[point >> 2 * i & 3u] - elements[i];
      distance += weights[i] * error * error;
    }
    if (distance < least) {
      least = distance;
      best = point;
    }
  }
  return best;
}

}  // namespace plimsoll::codecs::ggml
