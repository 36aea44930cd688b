#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <cstdint>

#include "actors/messages.hpp"
#include "plan/plan.hpp"
#include "trace/event.hpp"

namespace plimsoll::actors {

/// The stages of one lane. A unit stays on its lane from read to write, so that its bytes are still
/// in the cache of the core that works on them.
struct Lane {
  caf::actor reader;
  caf::actor dequantizer;
  caf::actor converter;
  caf::actor quantizer;
  caf::actor placer;
  caf::actor writer;
};

/// Spawns a lane's actors, the last stage first: each knows the stages behind it and no other.
[[nodiscard]] Lane spawn_lane(caf::actor_system& system);

/// Ends all of them once their mailboxes are empty.
void stop_lane(const Lane& lane);

/// The stage that a unit enters after `done` (of its route: read, decode, convert, quantize).
[[nodiscard]] const caf::actor& stage_after(const Lane& lane, trace::EventKind done,
                                            const plan::Route& route);

// The stages. Each handles UnitTask (the reader ReadEnded too) and Stop.

/// Fills the unit's memory: at once if its bytes are in the page cache, else through the byte
/// source's own threads, so that a slow disk never blocks a worker.
caf::behavior reader(caf::event_based_actor* self, Lane behind);
/// decode_unit, then on.
caf::behavior dequantizer(caf::event_based_actor* self, Lane behind);
/// convert_unit, then on.
caf::behavior converter(caf::event_based_actor* self, Lane behind);
/// quantize_unit, then on.
caf::behavior quantizer(caf::event_based_actor* self, Lane behind);
/// Gives the slot back when the device has ended its work on it; tells the loader, or passes a
/// checkpoint's unit to the writer.
caf::behavior placer(caf::event_based_actor* self, Lane behind);
/// Hands the unit's pieces to the checkpoint sink; tells the loader when they are written.
/// There is no stage behind it; the argument makes all stages alike, and spares CAF 0.17 a null
/// reference that it forms for functions without one.
caf::behavior writer(caf::event_based_actor* self, Lane behind);

}  // namespace plimsoll::actors
