#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <cstdint>
#include <vector>

#include "actors/lane.hpp"
#include "actors/load_run.hpp"

namespace plimsoll::actors {

/// The standing actors of an engine: its lanes and its governor. The same under the real scheduler
/// and under simulation.
class Crew {
 public:
  /// `lanes`: at least 1, as many as workers. `shared_slots`: credits of each device.
  Crew(caf::actor_system& system, std::size_t lanes, std::vector<std::uint32_t> shared_slots);

  /// Begins a load. The returned loader takes LoadFailed (after LoadRun::fail) to cancel it; once
  /// LoadParts::ended was called it is gone.
  [[nodiscard]] caf::actor begin(LoadRunPtr run);

  /// Stops, if nobody did: the actor system waits for actors that nobody stopped.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Ends all standing actors. No load may be running.
  void stop();

 private:
  caf::actor_system& system_;
  std::vector<Lane> lanes_;
  caf::actor governor_;
};

/// Stops the run with `reason` unless it stopped already. Thread-safe; returns at once.
void cancel(LoadRun& run, const caf::actor& loader, Error reason);

}  // namespace plimsoll::actors
