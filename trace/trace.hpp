#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "trace/event.hpp"

namespace plimsoll::trace {

/// What the plan promised for one device.
struct DeviceInfo {
  std::string name;                   ///< for example "host:0"
  std::uint32_t slots = 0;            ///< credits: full-precision units that may be alive at once
  std::uint64_t slot_bytes = 0;       ///< size of one slot
  std::uint64_t load_line_bytes = 0;  ///< the most that may ever be held on the device

  /// The part of the load line that slots may take. Saturates.
  [[nodiscard]] std::uint64_t slot_part_bytes() const noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    return slots != 0 && slot_bytes > most / slots ? most : slots * slot_bytes;
  }

  friend bool operator==(const DeviceInfo&, const DeviceInfo&) = default;
};

/// What must be known about a run to judge its events.
struct TraceInfo {
  std::vector<DeviceInfo> devices;  ///< Event::device is an index into this
  bool complete = true;             ///< the run ended well: not cancelled, not failed
  std::uint64_t dropped = 0;        ///< events that were not recorded for lack of memory

  friend bool operator==(const TraceInfo&, const TraceInfo&) = default;
};

/// A run: events in order of time.
struct Trace {
  TraceInfo info;
  std::vector<Event> events;

  friend bool operator==(const Trace&, const Trace&) = default;
};

}  // namespace plimsoll::trace
