#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "trace/event.hpp"

namespace plimsoll::trace {

/// Where the recorder's times come from: steady nanoseconds in an engine, a virtual clock under
/// simulation.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::uint64_t now_ns() const noexcept = 0;
};

/// Collects events from any number of threads. record() takes no lock and, but for one chunk of
/// memory every few thousand events, allocates nothing: each thread appends to a buffer of its own.
/// A disabled recorder costs one predictable branch.
class Recorder {
 public:
  /// `clock` must outlive the recorder.
  Recorder(const Clock& clock, bool enabled);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  [[nodiscard]] bool enabled() const noexcept { return enabled_; }

  /// Appends `event` with the current time. Where memory for it is refused the event is dropped and
  /// counted.
  void record(Event event) noexcept {
    if (enabled_) append(event);
  }

  /// All events so far, in order of time (of one thread: in order of recording). The caller makes
  /// sure that nobody records meanwhile.
  [[nodiscard]] std::vector<Event> events() const;

  /// What the calling thread recorded, from its `first` event on, in order of recording. To watch a
  /// run that has one thread while it goes on; does not sort, and costs no more than it returns.
  [[nodiscard]] std::vector<Event> events_here(std::size_t first) const;

  /// When it was made, on its clock: what the events' times count from.
  [[nodiscard]] std::uint64_t start_ns() const noexcept;

  /// How many events were dropped so far. A trace that lacks events proves nothing.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  void append(Event event) noexcept;

  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
  const Clock& clock_;
  bool enabled_;
};

}  // namespace plimsoll::trace
