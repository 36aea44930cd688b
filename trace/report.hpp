#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/trace.hpp"

namespace plimsoll::trace {

/// How a lane spent the run inside one stage. Units that overlap there count once.
struct LaneBusy {
  std::uint16_t device = 0;
  std::uint16_t lane = 0;
  std::uint64_t busy_ns = 0;
};

/// What one stage did, over all lanes.
struct StageSummary {
  EventKind kind = EventKind::read;
  std::uint64_t units = 0;     ///< times that the stage began and ended
  std::uint64_t bytes = 0;     ///< sum of the ends' bytes
  std::uint64_t total_ns = 0;  ///< sum of the units' times; more than the run's where they overlap
  std::vector<LaneBusy> lanes;
};

/// What one device held.
struct DevicePeak {
  std::uint64_t grants = 0;
  std::uint64_t credits = 0;     ///< most that were alive at once
  std::uint64_t slot_bytes = 0;  ///< most that were held at once
};

struct Summary {
  std::uint64_t events = 0;
  std::uint64_t duration_ns = 0;     ///< from the first event to the last
  std::vector<StageSummary> stages;  ///< those that occurred, in the order of EventKind
  std::vector<DevicePeak> devices;   ///< one a device of the trace
};

/// Adds up a trace. Pure; events that break the invariants are left out of the sums. Linear but for
/// sorting the stages' times.
[[nodiscard]] Summary summarize(const Trace& trace);

/// A table for people, some lines long: stages with units, bytes, total and mean time and how busy
/// the lanes were, then each device's peaks beside its limits.
[[nodiscard]] std::string to_text(const Summary& summary, const TraceInfo& info);

}  // namespace plimsoll::trace
