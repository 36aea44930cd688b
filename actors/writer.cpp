#include <array>
#include <caf/behavior.hpp>
#include <caf/send.hpp>
#include <utility>

#include "actors/handover.hpp"
#include "actors/lane.hpp"
#include "actors/load_run.hpp"
#include "actors/stage_trace.hpp"
#include "actors/unit_memory.hpp"

namespace plimsoll::actors {

caf::behavior writer(caf::event_based_actor* self, Lane) {
  return {
      [](UnitTask& task) {
        if (task.run->stopped()) return;
        take_over(task);
        const plan::Plan& plan = task.run->plan();
        std::array<FileWrite, 2> writes;
        std::size_t count = 0;
        for (const plan::Piece& piece : plan::pieces_of(plan, plan.units[task.unit])) {
          const plan::Component& component = plan.components[piece.component];
          writes[count++] = {component.shard,
                             component.address + piece.offset,
                             {destination_of(task, piece).first, piece.bytes()},
                             piece.rows,
                             piece.stride};
        }
        record(task, trace::EventKind::write, trace::EventPhase::begin);
        CheckpointSink& sink = *task.run->parts().checkpoint;
        sink.write(writes, count, [task = std::move(task)](std::optional<Error> error) mutable {
          record(task, trace::EventKind::write, trace::EventPhase::end);
          const caf::actor loader = task.run->loader;
          hand_over(task);
          caf::anon_send(loader, UnitWritten{std::move(task), std::move(error)});
        });
      },
      [=](Stop) { self->quit(); },
  };
}

}  // namespace plimsoll::actors
