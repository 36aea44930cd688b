#include "trace/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "errors/printable.hpp"

namespace plimsoll::trace {
namespace {

struct Interval {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
};

/// The length of the union.
std::uint64_t covered(std::vector<Interval>& intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.begin_ns < b.begin_ns; });
  std::uint64_t total = 0;
  std::uint64_t reached = 0;
  for (const Interval& interval : intervals) {
    const std::uint64_t begin = std::max(interval.begin_ns, reached);
    if (interval.end_ns <= begin) continue;
    total += interval.end_ns - begin;
    reached = interval.end_ns;
  }
  return total;
}

/// Gathers one stage's intervals by device and lane.
class StageGatherer {
 public:
  void begin(const Event& event) { open_[key(event)] = event.time_ns; }

  void end(const Event& event) {
    const auto begun = open_.find(key(event));
    if (begun == open_.end() || event.time_ns < begun->second) return;
    ++summary_.units;
    summary_.bytes += event.bytes;
    summary_.total_ns += event.time_ns - begun->second;
    lanes_[{event.device, event.lane}].push_back({begun->second, event.time_ns});
    open_.erase(begun);
  }

  StageSummary finish(EventKind kind) {
    summary_.kind = kind;
    for (auto& [place, intervals] : lanes_) {
      summary_.lanes.push_back({place.first, place.second, covered(intervals)});
    }
    return std::move(summary_);
  }

 private:
  static std::uint64_t key(const Event& event) {
    return std::uint64_t{event.load} << 32 | event.unit;
  }

  StageSummary summary_;
  std::unordered_map<std::uint64_t, std::uint64_t> open_;  // load << 32 | unit to time
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::vector<Interval>> lanes_;
};

struct Held {
  std::uint64_t credits = 0;
  std::uint64_t bytes = 0;
};

void count_lease(const Event& event, Held& held, DevicePeak& peak) {
  if (event.kind == EventKind::grant) {
    ++peak.grants;
    held.credits += event.full_precision;
    held.bytes += event.bytes;
    peak.credits = std::max(peak.credits, held.credits);
    peak.slot_bytes = std::max(peak.slot_bytes, held.bytes);
  } else {
    held.credits -= std::min<std::uint64_t>(held.credits, event.full_precision);
    held.bytes -= std::min(held.bytes, event.bytes);
  }
}

std::string lanes_text(const StageSummary& stage, std::uint64_t duration_ns) {
  std::string text;
  for (const LaneBusy& lane : stage.lanes) {
    const double share = duration_ns == 0 ? 0.0
                                          : 100.0 * static_cast<double>(lane.busy_ns) /
                                                static_cast<double>(duration_ns);
    text +=
        fmt::format("{}{}/{}: {:.0f} %", text.empty() ? "" : ", ", lane.device, lane.lane, share);
  }
  return text;
}

}  // namespace

Summary summarize(const Trace& trace) {
  Summary summary;
  summary.events = trace.events.size();
  summary.devices.resize(trace.info.devices.size());
  if (!trace.events.empty()) {
    const auto [first, last] =
        std::minmax_element(trace.events.begin(), trace.events.end(),
                            [](const Event& a, const Event& b) { return a.time_ns < b.time_ns; });
    summary.duration_ns = last->time_ns - first->time_ns;
  }
  std::array<StageGatherer, event_kind_count> gatherers;
  std::vector<Held> held(trace.info.devices.size());
  for (const Event& event : trace.events) {
    if (event.kind == EventKind::grant || event.kind == EventKind::release) {
      if (event.device >= held.size()) continue;
      count_lease(event, held[event.device], summary.devices[event.device]);
    } else if (event.phase == EventPhase::begin) {
      gatherers[static_cast<std::size_t>(event.kind)].begin(event);
    } else {
      gatherers[static_cast<std::size_t>(event.kind)].end(event);
    }
  }
  for (int i = 0; i < event_kind_count; ++i) {
    StageSummary stage = gatherers[static_cast<std::size_t>(i)].finish(static_cast<EventKind>(i));
    if (stage.units != 0) summary.stages.push_back(std::move(stage));
  }
  return summary;
}

std::string to_text(const Summary& summary, const TraceInfo& info) {
  const auto seconds = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e9; };
  const auto megabytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::string text =
      fmt::format("{} events in {:.6f} s{}\n", summary.events, seconds(summary.duration_ns),
                  info.complete ? "" : ", of a run that did not end well");
  text += fmt::format("{:<9} {:>9} {:>12} {:>12} {:>12}  {}\n", "stage", "units", "MB", "total s",
                      "mean us", "busy (device/lane)");
  for (const StageSummary& stage : summary.stages) {
    const double mean = static_cast<double>(stage.total_ns) / static_cast<double>(stage.units);
    text += fmt::format("{:<9} {:>9} {:>12.1f} {:>12.6f} {:>12.3f}  {}\n", name_of(stage.kind),
                        stage.units, megabytes(stage.bytes), seconds(stage.total_ns), mean / 1e3,
                        lanes_text(stage, summary.duration_ns));
  }
  for (std::size_t i = 0; i < summary.devices.size() && i < info.devices.size(); ++i) {
    const DevicePeak& peak = summary.devices[i];
    const DeviceInfo& device = info.devices[i];
    text += fmt::format(
        "{}: {} grants; at most {} of {} credits and {} of {} bytes of slots; load line {} bytes\n",
        printable(device.name), peak.grants, peak.credits, device.slots, peak.slot_bytes,
        device.slot_part_bytes(), device.load_line_bytes);
  }
  return text;
}

}  // namespace plimsoll::trace
