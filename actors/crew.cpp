#include "actors/crew.hpp"

#include <caf/send.hpp>
#include <utility>

#include "actors/governor.hpp"
#include "actors/loader.hpp"

namespace plimsoll::actors {

Crew::Crew(caf::actor_system& system, std::size_t lanes, std::vector<std::uint32_t> shared_slots)
    : system_(system) {
  for (std::size_t i = 0; i < lanes; ++i) lanes_.push_back(spawn_lane(system));
  governor_ = system.spawn<Governor>(lanes_, std::move(shared_slots));
}

caf::actor Crew::begin(LoadRunPtr run) {
  return system_.spawn<Loader>(std::move(run), governor_);
}

Crew::~Crew() {
  stop();
}

void Crew::stop() {
  if (governor_ == nullptr) return;
  caf::anon_send(governor_, Stop{});
  for (const Lane& lane : lanes_) stop_lane(lane);
  lanes_.clear();
  governor_ = nullptr;
}

void cancel(LoadRun& run, const caf::actor& loader, Error reason) {
  if (run.fail(std::move(reason))) caf::anon_send(loader, LoadFailed{});
}

}  // namespace plimsoll::actors
