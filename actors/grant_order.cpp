#include "actors/grant_order.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace plimsoll::actors {
namespace {

/// Calls `visit(device)` for every device of the set, lowest first.
template <class Visit>
void for_each_device(DeviceSet devices, Visit visit) {
  for (; devices != 0; devices &= devices - 1) {
    visit(static_cast<std::uint32_t>(std::countr_zero(devices)));
  }
}

Claim slots_of(const Claim& claim) {
  return {claim.slots, 0, 0};
}

}  // namespace

GrantOrder::GrantOrder(std::span<const std::uint32_t> shared_slots) {
  assert(shared_slots.size() <= max_devices);
  for (const std::uint32_t slots : shared_slots) shared_.emplace_back(Claim{slots, 0, 0});
}

bool GrantOrder::add(LoadId id, std::span<const Claim> own, std::vector<Ticket> tickets) {
  Load load;
  load.id = id;
  for (const Claim& capacity : own) {
    load.own.emplace_back(capacity);
    load.rows.emplace_back(capacity.slots);
  }
  load.queues.resize(shared_.size());
  load.served.resize(shared_.size(), ++grants_);
  for (std::uint32_t i = 0; i < tickets.size(); ++i) {
    const Ticket& ticket = tickets[i];
    const DeviceSet known =
        shared_.size() == max_devices ? ~DeviceSet{0} : (DeviceSet{1} << shared_.size()) - 1;
    if (ticket.devices == 0 || (ticket.devices & ~known) != 0) return false;
    bool possible = true;
    for_each_device(ticket.devices, [&](std::uint32_t device) {
      possible = possible && load.own[device].fits(ticket.claim) &&
                 ticket.claim.slots <= shared_[device].capacity().slots;
      load.queues[device].tickets.push_back(i);
    });
    if (!possible) return false;
  }
  load.tickets = std::move(tickets);
  loads_.push_back(std::move(load));
  return true;
}

bool GrantOrder::is_next_everywhere(const Load& load, std::uint32_t index) {
  bool next = true;
  for_each_device(load.tickets[index].devices, [&](std::uint32_t device) {
    const Queue& queue = load.queues[device];
    next = next && queue.tickets[queue.head] == index;
  });
  return next;
}

bool GrantOrder::fits_own(const Load& load, const Ticket& ticket) {
  bool fits = true;
  for_each_device(ticket.devices, [&](std::uint32_t device) {
    const Ledger& own = load.own[device];
    fits = fits && own.fits(ticket.claim) && load.rows[device].has(ticket.claim.slots) &&
           !(ticket.waits && own.held().slots > 0);
  });
  return fits;
}

bool GrantOrder::fits_shared(const Ticket& ticket) const {
  bool fits = true;
  for_each_device(ticket.devices, [&](std::uint32_t device) {
    fits = fits && shared_[device].fits(slots_of(ticket.claim));
  });
  return fits;
}

/// In the order of turns.
void GrantOrder::find_candidates() {
  candidates_.clear();
  for (Load& load : loads_) {
    for (std::uint32_t device = 0; device < load.queues.size(); ++device) {
      const Queue& queue = load.queues[device];
      if (queue.head == queue.tickets.size()) continue;
      const std::uint32_t index = queue.tickets[queue.head];
      const Ticket& ticket = load.tickets[index];
      const bool seen = static_cast<std::uint32_t>(std::countr_zero(ticket.devices)) != device;
      if (seen || !is_next_everywhere(load, index) || !fits_own(load, ticket)) continue;
      std::uint64_t served = grants_;
      for_each_device(ticket.devices,
                      [&](std::uint32_t named) { served = std::min(served, load.served[named]); });
      candidates_.push_back({served, &load, index});
    }
  }
  std::stable_sort(candidates_.begin(), candidates_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.served < b.served; });
}

std::optional<GrantOrder::Grant> GrantOrder::next() {
  find_candidates();
  DeviceSet kept_off = 0;
  for (const Candidate& candidate : candidates_) {
    const Ticket& ticket = candidate.load->tickets[candidate.ticket];
    const bool competes = ticket.claim.slots > 0;
    if (!competes || ((ticket.devices & kept_off) == 0 && fits_shared(ticket))) {
      take(*candidate.load, ticket);
      return Grant{candidate.load->id, ticket, places_};
    }
    kept_off |= ticket.devices;
  }
  return std::nullopt;
}

void GrantOrder::take(Load& load, const Ticket& ticket) {
  places_.clear();
  if (ticket.claim.slots > 0) ++grants_;
  for_each_device(ticket.devices, [&](std::uint32_t device) {
    load.own[device].take(ticket.claim);
    shared_[device].take(slots_of(ticket.claim));
    load.queues[device].head += 1;
    if (ticket.claim.slots == 0) return;
    load.served[device] = grants_;
    places_.push_back(load.rows[device].take(ticket.claim.slots));
  });
}

void GrantOrder::give_back(LoadId id, std::uint32_t device, const Claim& claim,
                           std::uint32_t place) {
  Load& load = find(id);
  load.own[device].give(claim);
  load.rows[device].give(place, claim.slots);
  shared_[device].give(slots_of(claim));
}

void GrantOrder::close(LoadId id) {
  for (Queue& queue : find(id).queues) queue.head = queue.tickets.size();
}

bool GrantOrder::finished(LoadId id) const {
  const Load& load = find(id);
  return std::all_of(load.queues.begin(), load.queues.end(),
                     [](const Queue& queue) { return queue.head == queue.tickets.size(); }) &&
         std::all_of(load.own.begin(), load.own.end(),
                     [](const Ledger& ledger) { return ledger.held() == Claim{}; });
}

void GrantOrder::remove(LoadId id) {
  loads_.remove_if([&](const Load& load) { return load.id == id; });
}

std::uint32_t GrantOrder::shared_slots_held(std::uint32_t device) const {
  return shared_[device].held().slots;
}

const Ledger& GrantOrder::own_ledger(LoadId load, std::uint32_t device) const {
  return find(load).own[device];
}

const GrantOrder::Load& GrantOrder::find(LoadId id) const {
  const auto load = std::find_if(loads_.begin(), loads_.end(),
                                 [&](const Load& candidate) { return candidate.id == id; });
  assert(load != loads_.end());
  return *load;
}

GrantOrder::Load& GrantOrder::find(LoadId id) {
  return const_cast<Load&>(std::as_const(*this).find(id));
}

}  // namespace plimsoll::actors
