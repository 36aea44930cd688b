#pragma once

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <utility>

#include "actors/handover.hpp"
#include "actors/lane.hpp"
#include "actors/stage_trace.hpp"

namespace plimsoll::actors {

/// The shape of a converting stage: one pure step on the unit's memory, then the next stage of its
/// route. A unit of a stopped load is dropped, and its leases with it.
template <class Step>
caf::behavior stage(caf::event_based_actor* self, Lane behind, trace::EventKind kind, Step step) {
  return {
      [=](UnitTask& task) {
        if (task.run->stopped()) return;
        take_over(task);
        {
          const StageTrace traced(task, kind);
          step(task);
        }
        const plan::Route& route = task.run->plan().units[task.unit].route;
        hand_over(task);
        self->send(stage_after(behind, kind, route), std::move(task));
      },
      [=](Stop) { self->quit(); },
  };
}

}  // namespace plimsoll::actors
