#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "codecs/ggml/encode_iq1.hpp"

namespace plimsoll::codecs::ggml {

/// Keeps the best split of a run that it is shown, the first of equals.
class Iq1Contest {
 public:
  /// `qx` and `qq`: weighted sums of values times elements and of values squared.
  void show(float qx, float qq, std::size_t first, std::size_t second, std::uint32_t down) {
    if (!(qq > 0.0f && qx * qx > score_ * qq)) return;
    best_ = {true, first, second, down, qx / qq};
    score_ = best_.scale * qx;
  }

  [[nodiscard]] const Iq1Split& best() const { return best_; }
  /// What qx * qx / qq must exceed to win.
  [[nodiscard]] float score() const { return score_; }

 private:
  Iq1Split best_;
  float score_ = -std::numeric_limits<float>::max();
};

}  // namespace plimsoll::codecs::ggml
