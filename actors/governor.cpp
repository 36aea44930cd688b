#include "actors/governor.hpp"

#include <algorithm>
#include <utility>

#include "actors/handover.hpp"

namespace plimsoll::actors {

Governor::Governor(caf::actor_config& config, std::vector<Lane> lanes,
                   const std::vector<std::uint32_t>& shared_slots)
    : caf::event_based_actor(config),
      lanes_(std::move(lanes)),
      in_flight_(lanes_.size(), 0),
      engine_devices_(shared_slots.size()),
      order_(shared_slots) {}

void Governor::open(const LoadRunPtr& run) {
  take_over(run.get());
  const std::uint32_t id = run->parts().id;
  const auto reads = static_cast<std::uint32_t>(std::max<std::size_t>(8, 2 * lanes_.size()));
  const auto [place, added] = berths_.emplace(id, LoadBerth(run, reads));
  LoadBerth& berth = place->second;
  if (!added || !order_.add(id, berth.ledgers(engine_devices_), berth.tickets())) {
    if (added) berths_.erase(place);
    run->fail(Error(ErrorCode::internal, "the plan claims more than its devices have"));
    send(run->loader, LoadDrained{});
    return;
  }
  grant_all();
  send_if_drained(id);
}

void Governor::close(std::uint32_t load) {
  const auto berth = berths_.find(load);
  if (berth == berths_.end()) return;  // it drained just before
  order_.close(load);
  berth->second.forget_open_tensors();
  grant_all();
  send_if_drained(load);
}

void Governor::take_back(const Lease::Terms& terms) {
  const auto place = berths_.find(terms.load);
  LoadBerth& berth = place->second;
  berth.take_back(terms);
  const std::uint16_t device = berth.run().parts().engine_devices[terms.device];
  order_.give_back(terms.load, device, terms.claim, terms.place);
  if (terms.ends_unit) {
    in_flight_[terms.lane] -= 1;
    last_lane_ = terms.lane;
    record(berth, terms, trace::EventKind::release);
  }
  grant_all();
  send_if_drained(terms.load);
}

void Governor::grant_all() {
  const caf::actor me(this);
  while (const auto grant = order_.next()) {
    LoadBerth& berth = berths_.at(grant->load);
    const std::uint16_t lane = idlest_lane();
    in_flight_[lane] += 1;
    UnitTask task = berth.board(*grant, lane, me);
    record(berth, task.work->terms(), trace::EventKind::grant);
    send(lanes_[lane].reader, std::move(task));
  }
}

void Governor::send_if_drained(std::uint32_t load) {
  if (!order_.finished(load)) return;
  order_.remove(load);
  const auto berth = berths_.extract(load);
  send(berth.mapped().run().loader, LoadDrained{});
}

std::uint16_t Governor::idlest_lane() const {
  std::uint16_t best = last_lane_;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (in_flight_[lane] < in_flight_[best]) best = lane;
  }
  return best;
}

void Governor::record(const LoadBerth& berth, const Lease::Terms& terms,
                      trace::EventKind kind) const {
  const LoadRun& run = berth.run();
  trace::Event event;
  event.load = terms.load;
  event.unit = terms.unit;
  event.device = run.parts().engine_devices[terms.device];
  event.lane = terms.lane;
  event.full_precision = static_cast<std::uint16_t>(terms.claim.slots);
  event.bytes = terms.claim.slots * run.plan().devices[terms.device].slot_bytes;
  event.kind = kind;
  run.parts().recorder->record(event);
}

caf::behavior Governor::make_behavior() {
  return {
      [this](const OpenLoad& message) { open(message.run); },
      [this](const CloseLoad& message) { close(message.load); },
      [this](const LeaseReturned& message) { take_back(message.terms); },
      [this](Stop) { quit(); },
  };
}

/// The lanes and loads hold handles of other actors, which a dead governor must not keep alive.
void Governor::on_exit() {
  lanes_.clear();
  berths_.clear();
}

}  // namespace plimsoll::actors
