#include <caf/behavior.hpp>
#include <caf/send.hpp>
#include <utility>

#include "actors/lane.hpp"
#include "actors/load_run.hpp"
#include "actors/stage_trace.hpp"

namespace plimsoll::actors {

caf::behavior placer(caf::event_based_actor* self, Lane behind) {
  return {
      [=](UnitTask& task) {
        if (task.run->stopped()) return;
        record(task, trace::EventKind::place, trace::EventPhase::begin);
        const plan::Plan& plan = task.run->plan();
        gpu::Device& device =
            *task.run->parts().devices[plan.outputs[plan.units[task.unit].output].device];
        const bool to_file =
            plan.sink == plan::Sink::checkpoint && !plan.units[task.unit].route.measure;
        const caf::actor next = to_file ? behind.writer : task.run->loader;
        const std::uint16_t lane = task.lane;
        // The slot goes back when the device is done with it, not when the work was queued.
        device.when_complete(lane, [next, to_file, task = std::move(task)]() mutable {
          record(task, trace::EventKind::place, trace::EventPhase::end);
          // Let go only when the message is on its way: once the last credit is home, the governor
          // tells the loader that nothing is left to come.
          const LeasePtr work = std::move(task.work);
          if (to_file) {
            caf::anon_send(next, std::move(task));
          } else {
            caf::anon_send(next, UnitPlaced{std::move(task)});
          }
        });
      },
      [=](Stop) { self->quit(); },
  };
}

}  // namespace plimsoll::actors
