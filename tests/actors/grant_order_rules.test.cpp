// The rules of GrantOrder's header on random loads: a model beside it that knows nothing but what
// was granted and given back.

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "actors/grant_order.hpp"
#include "catch.hpp"

using namespace plimsoll::actors;

namespace {

struct ModelLoad {
  std::vector<Claim> own;                // capacity, a device
  std::vector<Claim> held;               // a device
  std::vector<std::vector<bool>> taken;  // a slot of its own, a device
  std::vector<Ticket> tickets;
  std::vector<bool> granted;
  std::size_t left = 0;
  /// For each ticket that could begin but for shared slots: how often another load was served on
  /// one of its devices since.
  std::map<std::size_t, std::size_t> passed_over;
};

/// A part of a grant that is still out.
struct Holding {
  std::size_t load = 0;
  std::uint32_t device = 0;
  Claim claim;
  std::uint32_t place = 0;  // the first of its slots
};

/// Whether so many neighbours are free.
bool has_room(const std::vector<bool>& taken, std::uint32_t slots) {
  std::uint32_t run = 0;
  for (std::size_t i = 0; i < taken.size() && run < slots; ++i) run = taken[i] ? 0 : run + 1;
  return run >= slots;
}

bool fits(const Claim& claim, const Claim& held, const Claim& capacity) {
  return held.slots + claim.slots <= capacity.slots &&
         held.outputs + claim.outputs <= capacity.outputs &&
         held.reads + claim.reads <= capacity.reads;
}

class Model {
 public:
  Model(std::uint32_t seed, bool single_device)
      : random_(seed), single_device_(single_device), slots_(between(1, 4)) {
    for (std::uint32_t& slots : slots_) slots = between(1, 5);
    held_.resize(slots_.size(), 0);
    order_.emplace(slots_);
    const std::uint32_t loads = between(1, 4);
    for (std::uint32_t i = 0; i < loads; ++i) add_load();
  }

  /// Runs until nothing is left; the first broken rule in words, or nothing.
  std::string run() {
    while (broken_.empty() && anything_left()) {
      if (holdings_.empty() || between(0, 2) > 0) {
        grant();
      } else {
        give_back(between(0, static_cast<std::uint32_t>(holdings_.size()) - 1));
      }
    }
    return broken_;
  }

 private:
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(random_() % (most - least + 1));
  }

  void add_load() {
    ModelLoad load;
    for (std::size_t d = 0; d < slots_.size(); ++d) {
      load.own.push_back({between(1, 5), between(1, 3), between(1, 3)});
      load.taken.emplace_back(load.own.back().slots, false);
    }
    load.held.resize(slots_.size());
    const std::uint32_t count = between(0, 25);
    for (std::uint32_t i = 0; i < count; ++i) load.tickets.push_back(draw_ticket(load, i));
    load.granted.resize(count, false);
    load.left = count;
    const auto id = static_cast<std::uint32_t>(loads_.size());
    if (!order_->add(id, load.own, load.tickets)) broken_ = "a possible load is refused";
    loads_.push_back(std::move(load));
  }

  Ticket draw_ticket(const ModelLoad& load, std::uint32_t unit) {
    Ticket ticket{
        unit, DeviceSet{1} << between(0, static_cast<std::uint32_t>(slots_.size()) - 1), {}, false};
    if (!single_device_ && between(0, 3) == 0) {
      ticket.devices = between(1, (1u << slots_.size()) - 1);
    }
    ticket.waits = between(0, 7) == 0;
    ticket.claim = {between(0, 3) == 0 ? 0 : between(1, 3), between(0, 1), between(0, 1)};
    if (ticket.claim == Claim{}) ticket.claim.reads = 1;
    for (std::uint32_t d = 0; d < slots_.size(); ++d) {
      if ((ticket.devices >> d & 1) == 0) continue;
      ticket.claim.slots = std::min({ticket.claim.slots, load.own[d].slots, slots_[d]});
    }
    return ticket;
  }

  [[nodiscard]] bool anything_left() const {
    return !holdings_.empty() ||
           std::any_of(loads_.begin(), loads_.end(), [](const ModelLoad& l) { return l.left > 0; });
  }

  /// Rule 2: no earlier ticket of the load that shares a device is still waiting.
  [[nodiscard]] static bool is_next(const ModelLoad& load, std::size_t index) {
    for (std::size_t i = 0; i < index; ++i) {
      if (!load.granted[i] && (load.tickets[i].devices & load.tickets[index].devices) != 0) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool fits_own(const ModelLoad& load, const Ticket& ticket) const {
    for (std::uint32_t d = 0; d < slots_.size(); ++d) {
      if ((ticket.devices >> d & 1) == 0) continue;
      if (!fits(ticket.claim, load.held[d], load.own[d])) return false;
      if (!has_room(load.taken[d], ticket.claim.slots)) return false;
      if (ticket.waits && load.held[d].slots > 0) return false;
    }
    return true;
  }

  [[nodiscard]] bool fits_shared(const Ticket& ticket) const {
    for (std::uint32_t d = 0; d < slots_.size(); ++d) {
      if ((ticket.devices >> d & 1) != 0 && held_[d] + ticket.claim.slots > slots_[d]) return false;
    }
    return true;
  }

  void grant() {
    const auto grant = order_->next();
    if (!grant) {
      check_wait();
      if (!holdings_.empty()) {
        give_back(between(0, static_cast<std::uint32_t>(holdings_.size()) - 1));
      }
      return;
    }
    ModelLoad& load = loads_[grant->load];
    const std::size_t index = grant->ticket.unit;
    if (load.granted[index]) broken_ = "a ticket is granted twice";
    if (!is_next(load, index)) broken_ = "a ticket overtakes an earlier one of its load";
    if (!fits_own(load, grant->ticket)) broken_ = "a load gets what its own ledger does not have";
    if (!fits_shared(grant->ticket)) broken_ = "a device has given more slots than it has";
    take(grant->load, index, grant->places);
    note_passing(grant->load, grant->ticket);
  }

  /// Nothing is granted: then every ticket that could begin waits for others.
  void check_wait() {
    if (holdings_.empty()) {
      broken_ = "a deadlock: nothing is held and yet nothing is granted";
      return;
    }
    for (const ModelLoad& load : loads_) {
      for (std::size_t i = 0; i < load.tickets.size(); ++i) {
        const Ticket& ticket = load.tickets[i];
        if (load.granted[i] || !is_next(load, i) || !fits_own(load, ticket)) continue;
        const bool unhindered =
            fits_shared(ticket) && (loads_.size() == 1 || ticket.claim.slots == 0);
        if (unhindered) broken_ = "a ticket that fits waits for nobody";
      }
    }
  }

  void take(std::size_t index, std::size_t ticket_index, std::span<const std::uint32_t> places) {
    ModelLoad& load = loads_[index];
    const Ticket& ticket = load.tickets[ticket_index];
    load.granted[ticket_index] = true;
    load.left -= 1;
    load.passed_over.erase(ticket_index);
    std::size_t next_place = 0;
    for (std::uint32_t d = 0; d < slots_.size(); ++d) {
      if ((ticket.devices >> d & 1) == 0) continue;
      const std::uint32_t place = ticket.claim.slots > 0 ? places[next_place++] : 0;
      mark(load.taken[d], place, ticket.claim.slots, true);
      held_[d] += ticket.claim.slots;
      load.held[d].slots += ticket.claim.slots;
      load.held[d].outputs += ticket.claim.outputs;
      load.held[d].reads += ticket.claim.reads;
      // Some claims come back in one piece, others in parts, as slots and buffers do.
      if (between(0, 1) == 0) {
        holdings_.push_back({index, d, ticket.claim, place});
      } else {
        holdings_.push_back({index, d, {ticket.claim.slots, 0, ticket.claim.reads}, place});
        if (ticket.claim.outputs > 0) {
          holdings_.push_back({index, d, {0, ticket.claim.outputs, 0}, 0});
        }
      }
    }
  }

  /// Slots are there and, when they are taken, free.
  void mark(std::vector<bool>& taken, std::uint32_t place, std::uint32_t slots, bool value) {
    for (std::uint32_t slot = place; slot < place + slots; ++slot) {
      if (slot >= taken.size() || taken[slot] == value) {
        broken_ = "a slot is granted that is not there or not free";
        return;
      }
      taken[slot] = value;
    }
  }

  /// Rule 3: a ticket that lacks only shared slots is not passed over without end. Another load may
  /// be served before it once a device: then it was served more recently on all of them.
  void note_passing(std::size_t served, const Ticket& ticket) {
    const std::size_t most = (loads_.size() - 1) * (single_device_ ? 1 : slots_.size());
    for (std::size_t l = 0; l < loads_.size(); ++l) {
      ModelLoad& load = loads_[l];
      for (std::size_t i = 0; i < load.tickets.size(); ++i) {
        if (load.granted[i] || !is_next(load, i)) continue;
        // Its own ledger has room and keeps it: later tickets of the load cannot take it away.
        if (!fits_own(load, load.tickets[i])) continue;
        std::size_t& passed = load.passed_over.try_emplace(i, 0).first->second;
        if (l == served || ticket.claim.slots == 0 ||
            (ticket.devices & load.tickets[i].devices) == 0) {
          continue;
        }
        if (++passed > most) broken_ = "a ticket is passed over again and again";
      }
    }
  }

  void give_back(std::size_t index) {
    const Holding holding = holdings_[index];
    holdings_.erase(holdings_.begin() + static_cast<std::ptrdiff_t>(index));
    ModelLoad& load = loads_[holding.load];
    held_[holding.device] -= holding.claim.slots;
    load.held[holding.device].slots -= holding.claim.slots;
    load.held[holding.device].outputs -= holding.claim.outputs;
    load.held[holding.device].reads -= holding.claim.reads;
    mark(load.taken[holding.device], holding.place, holding.claim.slots, false);
    order_->give_back(static_cast<std::uint32_t>(holding.load), holding.device, holding.claim,
                      holding.place);
    if (order_->shared_slots_held(holding.device) != held_[holding.device]) {
      broken_ = "the shared ledger has lost count";
    }
  }

  std::mt19937 random_;
  bool single_device_;
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint32_t> held_;  // shared slots, a device
  std::optional<GrantOrder> order_;
  std::vector<ModelLoad> loads_;
  std::vector<Holding> holdings_;
  std::string broken_;
};

}  // namespace

TEST_CASE("no rule of the grant order is broken by loads whose units have one device") {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    REQUIRE(Model(seed, true).run() == "");
  }
}

TEST_CASE("no rule of the grant order is broken by loads whose units span devices") {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    REQUIRE(Model(seed, false).run() == "");
  }
}
