#pragma once

#include "actors/load_run.hpp"
#include "actors/messages.hpp"
#include "trace/event.hpp"

namespace plimsoll::actors {

/// Records one event of a unit, with its load, ticket, device and lane. `bytes`: source bytes.
inline void record(const UnitTask& task, trace::EventKind kind, trace::EventPhase phase) {
  trace::Recorder& recorder = *task.run->parts().recorder;
  if (!recorder.enabled()) return;
  const plan::Unit& unit = task.run->plan().units[task.unit];
  trace::Event event;
  event.load = task.run->parts().id;
  event.unit = task.unit;
  event.device = task.run->parts().engine_devices[task.run->plan().outputs[unit.output].device];
  event.lane = task.lane;
  event.bytes = unit.source_bytes;
  event.kind = kind;
  event.phase = phase;
  recorder.record(event);
}

/// Records that a unit enters a stage, and at the end of the scope that it leaves.
class StageTrace {
 public:
  StageTrace(const UnitTask& task, trace::EventKind kind) : task_(task), kind_(kind) {
    record(task_, kind_, trace::EventPhase::begin);
  }
  ~StageTrace() { record(task_, kind_, trace::EventPhase::end); }
  StageTrace(const StageTrace&) = delete;
  StageTrace& operator=(const StageTrace&) = delete;

 private:
  const UnitTask& task_;
  trace::EventKind kind_;
};

}  // namespace plimsoll::actors
