#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "trace/recorder.hpp"

namespace plimsoll::simulation {

/// The simulation's time, and what is going to happen in it: ends of reads, of writes, of a
/// device's work. Time stands still but for advance() and deliver(). Events of one time come in the
/// order in which they were queued.
class VirtualClock final : public trace::Clock {
 public:
  using Happening = std::function<void()>;

  [[nodiscard]] std::uint64_t now_ns() const noexcept override { return now_ns_; }

  void advance(std::uint64_t ns) noexcept { now_ns_ += ns; }

  /// Queues `happening` for `delay_ns` from now; returns when that is.
  std::uint64_t after(std::uint64_t delay_ns, Happening happening);

  /// The same at a time that is not in the past.
  void at(std::uint64_t time_ns, Happening happening);

  [[nodiscard]] bool has_events() const noexcept { return !events_.empty(); }

  /// Moves on to the next event's time, unless it has passed already, and lets it happen.
  void deliver();

  /// Forgets all events, and whatever they hold.
  void clear() noexcept;

 private:
  std::uint64_t now_ns_ = 0;
  std::uint64_t queued_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Happening> events_;  // by time, then by order
};

}  // namespace plimsoll::simulation
