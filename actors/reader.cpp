#include <caf/behavior.hpp>
#include <caf/send.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "actors/handover.hpp"
#include "actors/lane.hpp"
#include "actors/load_run.hpp"
#include "actors/stage_trace.hpp"
#include "actors/unit_memory.hpp"
#include "plan/align.hpp"

namespace plimsoll::actors {
namespace {

/// What a unit reads, and where to: its numbers one range after the other, then their scales.
void list_ranges(const UnitTask& task, std::vector<io::ReadRange>& ranges) {
  const plan::Plan& plan = task.run->plan();
  const plan::Unit& unit = plan.units[task.unit];
  ranges.clear();
  if (unit.read_count == 0) return;
  const auto add = [&](const plan::Read& read, std::byte* place, bool padded) {
    ranges.push_back({read.file, read.offset, read.bytes, place, padded});
  };
  std::byte* place = landing_of(task);
  for (std::uint32_t i = 0; i < unit.read_count; ++i) {
    const plan::Read& read = plan.reads[unit.first_read + i];
    add(read, place, unit.padded);
    place += read.bytes;
  }
  if (!plan.outputs[unit.output].scaled) return;
  place = scales_of(task);
  for (std::uint32_t i = 0; i < unit.read_count; ++i) {
    const plan::Read& read = plan.reads[unit.first_read + unit.read_count + i];
    add(read, place, false);
    place += plan::align_up(read.bytes, plan::component_alignment);
  }
}

void count_bytes(const UnitTask& task) {
  const plan::Plan& plan = task.run->plan();
  task.run->progress().bytes_read += plan::bytes_read_by(plan, plan.units[task.unit]);
}

}  // namespace

caf::behavior reader(caf::event_based_actor* self, Lane behind) {
  const auto pass_on = [=](UnitTask& task) {
    const plan::Unit& unit = task.run->plan().units[task.unit];
    self->send(stage_after(behind, trace::EventKind::read, unit.route), std::move(task));
  };
  const auto ranges = std::make_shared<std::vector<io::ReadRange>>();  // of one unit at a time
  return {
      [=](UnitTask& task) {
        if (task.run->stopped()) return;
        take_over(task);
        take_over(task.run.get());  // of the caller: the memory that the result goes to
        record(task, trace::EventKind::read, trace::EventPhase::begin);
        list_ranges(task, *ranges);
        io::ByteSource& source = *task.run->parts().source;
        if (ranges->empty() || source.try_read(*ranges)) {
          record(task, trace::EventKind::read, trace::EventPhase::end);
          count_bytes(task);
          hand_over(task);
          pass_on(task);
          return;
        }
        const caf::actor me = self;
        source.start(*ranges, [me, task = std::move(task)](Expected<void> read) mutable {
          auto error = read ? std::nullopt : std::optional<Error>(read.error());
          hand_over(task);
          caf::anon_send(me, ReadEnded{std::move(task), std::move(error)});
        });
      },
      [=](ReadEnded& ended) {
        LoadRun& run = *ended.task.run;
        // Also of a failed or unwanted read: from here on nobody writes to the unit's memory.
        record(ended.task, trace::EventKind::read, trace::EventPhase::end);
        if (ended.error && run.fail(*ended.error)) self->send(run.loader, LoadFailed{});
        if (!ended.error) count_bytes(ended.task);
        if (!run.stopped()) pass_on(ended.task);
      },
      [=](Stop) { self->quit(); },
  };
}

}  // namespace plimsoll::actors
