#include "trace/invariants.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace plimsoll::trace {
namespace {

std::string unit_text(const Event& event) {
  return "load " + std::to_string(event.load) + " unit " + std::to_string(event.unit);
}

std::string name_text(EventKind kind) {
  return std::string(name_of(kind));
}

/// A grant that is not released, or the mark that it was.
struct Lease {
  std::uint64_t bytes = 0;
  std::uint16_t credits = 0;
  bool released = false;
};

struct UnitState {
  std::map<std::uint16_t, Lease> leases;  // by device
  std::uint32_t alive = 0;                // leases not yet released
  std::optional<EventKind> last_stage;
  bool inside = false;  // of last_stage
};

struct DeviceState {
  std::uint64_t credits = 0;
  std::uint64_t bytes = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> last_ticket;  // by load
};

class Checker {
 public:
  Checker(const Trace& trace, std::size_t limit)
      : trace_(trace), limit_(limit), devices_(trace.info.devices.size()) {}

  std::vector<std::string> run() {
    if (trace_.info.dropped != 0) {
      report(std::to_string(trace_.info.dropped) + " events were dropped");
    }
    for (const Event& event : trace_.events) check(event);
    check_end();
    return std::move(violations_);
  }

 private:
  void report(std::string violation) {
    if (violations_.size() < limit_) violations_.push_back(std::move(violation));
  }

  void report(const Event& event, const std::string& violation) {
    if (violations_.size() >= limit_) return;
    report("at " + std::to_string(event.time_ns) + " ns, " + unit_text(event) + ": " + violation);
  }

  void check(const Event& event) {
    if (event.time_ns < last_time_) report(event, "time goes back");
    last_time_ = event.time_ns;
    if (event.device >= devices_.size()) {
      report(event, "device " + std::to_string(event.device) + " is unknown");
      return;
    }
    const bool lease_event = event.kind == EventKind::grant || event.kind == EventKind::release;
    if (lease_event != (event.phase == EventPhase::point)) {
      report(event, name_text(event.kind) + " cannot be a " + std::string(name_of(event.phase)));
      return;
    }
    UnitState& unit = units_[std::uint64_t{event.load} << 32 | event.unit];
    if (event.kind == EventKind::grant) {
      check_grant(event, unit);
    } else if (event.kind == EventKind::release) {
      check_release(event, unit);
    } else {
      check_stage(event, unit);
    }
  }

  void check_grant(const Event& event, UnitState& unit) {
    const DeviceInfo& info = trace_.info.devices[event.device];
    DeviceState& device = devices_[event.device];
    const std::string where = " on " + info.name;
    if (!unit.leases.try_emplace(event.device, Lease{event.bytes, event.full_precision}).second) {
      report(event, "granted twice" + where);
      return;
    }
    ++unit.alive;
    const auto [last, first_of_load] = device.last_ticket.try_emplace(event.load, event.unit);
    if (!first_of_load) {
      if (event.unit < last->second) {
        report(event, "overtaken by unit " + std::to_string(last->second) + where);
      }
      last->second = std::max(last->second, event.unit);
    }
    device.credits += event.full_precision;
    device.bytes += event.bytes;
    if (device.credits > info.slots) {
      report(event, std::to_string(device.credits) + " credits alive" + where + ", which has " +
                        std::to_string(info.slots));
    }
    if (device.bytes > info.slot_part_bytes()) {
      report(event, std::to_string(device.bytes) + " bytes of slots held" + where +
                        ", whose load line has " + std::to_string(info.slot_part_bytes()));
    }
  }

  void check_release(const Event& event, UnitState& unit) {
    const std::string where = " on " + trace_.info.devices[event.device].name;
    const auto lease = unit.leases.find(event.device);
    if (lease == unit.leases.end()) {
      report(event, "released without a grant" + where);
      return;
    }
    if (lease->second.released) {
      report(event, "released twice" + where);
      return;
    }
    if (lease->second.bytes != event.bytes || lease->second.credits != event.full_precision) {
      report(event, "gives back other credits or bytes than it was granted" + where);
    }
    if (unit.inside && unit.alive == 1 && unit.last_stage != EventKind::write) {
      report(event, "released" + where + " inside " + name_text(*unit.last_stage));
    }
    // What was granted is taken off, so that one wrong figure is reported once.
    devices_[event.device].credits -= lease->second.credits;
    devices_[event.device].bytes -= lease->second.bytes;
    lease->second.released = true;
    --unit.alive;
  }

  void check_stage(const Event& event, UnitState& unit) {
    const std::string stage = name_text(event.kind);
    if (event.phase == EventPhase::end) {
      if (!unit.inside || unit.last_stage != event.kind) report(event, stage + " ends unbegun");
      unit.inside = false;
      unit.last_stage = event.kind;
      return;
    }
    if (unit.leases.empty()) report(event, stage + " begins before the grant");
    if (!unit.leases.empty() && unit.alive == 0 && event.kind != EventKind::write) {
      report(event, stage + " begins after the release");
    }
    if (unit.inside) {
      report(event, stage + " begins inside " + name_text(*unit.last_stage));
    } else if (unit.last_stage && event.kind <= *unit.last_stage) {
      report(event, stage + " begins after " + name_text(*unit.last_stage));
    }
    unit.inside = true;
    unit.last_stage = event.kind;
  }

  void check_end() {
    // In order of load and unit, whatever the order of the hash table.
    const std::map<std::uint64_t, const UnitState*> ordered = open_units();
    for (const auto& [key, unit] : ordered) {
      const Event event{.load = static_cast<std::uint32_t>(key >> 32),
                        .unit = static_cast<std::uint32_t>(key)};
      for (const auto& [device, lease] : unit->leases) {
        if (lease.released) continue;
        report(unit_text(event) + ": never released on " + trace_.info.devices[device].name);
      }
      if (unit->inside && trace_.info.complete) {
        report(unit_text(event) + ": " + name_text(*unit->last_stage) + " never ends");
      }
    }
  }

  [[nodiscard]] std::map<std::uint64_t, const UnitState*> open_units() const {
    std::map<std::uint64_t, const UnitState*> open;
    for (const auto& [key, unit] : units_) {
      if (unit.alive != 0 || unit.inside) open.emplace(key, &unit);
    }
    return open;
  }

  const Trace& trace_;
  const std::size_t limit_;
  std::vector<DeviceState> devices_;
  std::unordered_map<std::uint64_t, UnitState> units_;  // by load << 32 | unit
  std::uint64_t last_time_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> find_violations(const Trace& trace, std::size_t limit) {
  return Checker(trace, limit).run();
}

}  // namespace plimsoll::trace
