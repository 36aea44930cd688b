#include <caf/behavior.hpp>
#include <caf/send.hpp>
#include <span>
#include <utility>

#include "actors/lane.hpp"
#include "actors/load_run.hpp"
#include "actors/stage_trace.hpp"
#include "actors/unit_memory.hpp"

namespace plimsoll::actors {
namespace {

io::ReadRange range_of(const UnitTask& task) {
  const plan::Plan& plan = task.run->plan();
  const plan::Unit& unit = plan.units[task.unit];
  io::ReadRange range;
  range.file = plan.outputs[unit.output].file;
  range.offset = unit.source_offset;
  range.bytes = unit.source_bytes;
  range.destination = landing_of(task);
  range.padded = unit.padded;
  return range;
}

}  // namespace

caf::behavior reader(caf::event_based_actor* self, Lane behind) {
  const auto pass_on = [=](UnitTask& task) {
    const plan::Unit& unit = task.run->plan().units[task.unit];
    task.run->progress().bytes_read += unit.source_bytes;
    self->send(stage_after(behind, trace::EventKind::read, unit.route), std::move(task));
  };
  return {
      [=](UnitTask& task) {
        if (task.run->stopped()) return;
        record(task, trace::EventKind::read, trace::EventPhase::begin);
        const io::ReadRange range = range_of(task);
        if (range.bytes == 0 || task.run->parts().source->try_read({&range, 1})) {
          record(task, trace::EventKind::read, trace::EventPhase::end);
          pass_on(task);
          return;
        }
        io::ByteSource& source = *task.run->parts().source;
        const caf::actor me = self;
        source.start({&range, 1}, [me, task = std::move(task)](Expected<void> read) mutable {
          auto error = read ? std::nullopt : std::optional<Error>(read.error());
          caf::anon_send(me, ReadEnded{std::move(task), std::move(error)});
        });
      },
      [=](ReadEnded& ended) {
        LoadRun& run = *ended.task.run;
        // Also of a failed or unwanted read: from here on nobody writes to the unit's memory.
        record(ended.task, trace::EventKind::read, trace::EventPhase::end);
        if (ended.error && run.fail(*ended.error)) self->send(run.loader, LoadFailed{});
        if (!run.stopped()) pass_on(ended.task);
      },
      [=](Stop) { self->quit(); },
  };
}

}  // namespace plimsoll::actors
