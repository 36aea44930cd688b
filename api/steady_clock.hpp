#pragma once

#include <chrono>
#include <cstdint>

#include "trace/recorder.hpp"

namespace plimsoll {

/// Nanoseconds since it was made, never going back.
class SteadyClock final : public trace::Clock {
 public:
  [[nodiscard]] std::uint64_t now_ns() const noexcept override {
    const auto elapsed = std::chrono::steady_clock::now() - begin_;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace plimsoll
