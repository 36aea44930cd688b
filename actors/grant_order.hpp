#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "actors/ledger.hpp"
#include "actors/slot_row.hpp"

namespace plimsoll::actors {

/// Device sets are bit masks: bit d names device d.
using DeviceSet = std::uint64_t;
inline constexpr std::uint32_t max_devices = 64;

/// A unit in the order of grants.
struct Ticket {
  std::uint32_t unit = 0;  ///< what the owner calls it; tickets are granted in the order given
  DeviceSet devices = 0;   ///< at least one
  Claim claim;             ///< on each of `devices`
  /// Not before everything that its load holds slots for on these devices is home.
  bool waits = false;
};

/// Who may begin next. Pure: no actor, no clock, no memory but its own.
///
/// Rules
///  1. A ticket is granted when its claim fits, all at once, in the ledger of its load AND in the
///     shared ledger (slots only) of every device it names. Several slots are neighbours among the
///     load's. A ticket that waits fits only where its load holds no slot on its devices.
///  2. Within a load nobody overtakes: a ticket waits for all earlier tickets of its load that
///     share a device with it, and for no others.
///  3. Between loads grants alternate on each device: of all tickets that may begin but for shared
///     slots the one goes first whose load was granted a slot there longest ago (a ticket of
///     several devices: on that of its devices where it was longest ago; a new load counts as
///     served when it enters). One that lacks shared slots keeps all behind it off its devices
///     until it is served. A load that waits for something of its own (an output buffer still with
///     its consumer) keeps nobody off; kept units need no shared slots and wait for nobody's turn.
///
/// Why this neither deadlocks nor starves anyone
///  A granted unit waits for no grant: its output buffer came with its slot, stages and writers
///  hold no credits. So slots and reads always come back, and output buffers come back when the
///  disk or the consumer is done with them. A consumer's buffer is granted with a tensor's first
///  ticket, and the tensor's later tickets, which must run before it comes back, claim no further
///  buffer and stand directly behind it: nothing that needs another buffer is before them.
///  Hence the earliest ungranted ticket of a load waits only for things that are on their way, and
///  not for later tickets (rule 2). That holds for neighbours and for tickets that wait, too: while
///  a ticket is the first, nothing of its load is granted on its devices, so in the end all of the
///  load's slots there are free. Claims are taken atomically (rule 1), so no two loads can each
///  hold part of what the other needs. Turns are one order of all waiting tickets, whatever their
///  devices: its first ticket is kept off by nobody, so freed slots gather for it, and a claim of k
///  slots is not passed over for ever by claims of one. A waiting ticket becomes the first: another
///  load goes before it at most once a device, as it was served more recently then. Every claim is
///  at most the capacity, which add() checks.
///
/// Cost: next() sorts the loads' first tickets, at most loads x devices; give_back() and the lookup
/// of a load are linear in loads.
/// Not thread-safe: one owner, the governor.
class GrantOrder {
 public:
  using LoadId = std::uint32_t;

  struct Grant {
    LoadId load = 0;
    Ticket ticket;
    /// On each of the ticket's devices, lowest first: the first of its slots among the load's.
    /// Nothing for claims without slots. Valid until the next call.
    std::span<const std::uint32_t> places;
  };

  /// `shared_slots`: credits of each device, over all loads.
  explicit GrantOrder(std::span<const std::uint32_t> shared_slots);

  /// Enters a load behind all others. `own`: its ledger on each device. False, and nothing is
  /// entered, if some ticket could never be granted or names no or an unknown device.
  [[nodiscard]] bool add(LoadId load, std::span<const Claim> own, std::vector<Ticket> tickets);

  /// The next ticket that may begin, taken from the ledgers; nothing if all must wait.
  [[nodiscard]] std::optional<Grant> next();

  /// Gives back all or part of a granted claim on one device; slots all at once, from `place` on.
  void give_back(LoadId load, std::uint32_t device, const Claim& claim, std::uint32_t place);

  /// Forgets the load's tickets that were not granted. What was granted still comes back.
  void close(LoadId load);

  /// No ticket waits and nothing is held: the load is forgotten, its id free again.
  [[nodiscard]] bool finished(LoadId load) const;
  void remove(LoadId load);

  [[nodiscard]] std::uint32_t shared_slots_held(std::uint32_t device) const;
  [[nodiscard]] const Ledger& own_ledger(LoadId load, std::uint32_t device) const;

 private:
  /// Tickets of one load that name one device, in order; `head` is the first not granted.
  struct Queue {
    std::vector<std::uint32_t> tickets;
    std::size_t head = 0;
  };
  struct Load {
    LoadId id = 0;
    std::vector<Ledger> own;
    std::vector<SlotRow> rows;  ///< of the load's slots, a device
    std::vector<Ticket> tickets;
    std::vector<Queue> queues;
    std::vector<std::uint64_t> served;  ///< on each device: number of the last grant of slots
  };
  /// A ticket that may begin but for shared slots.
  struct Candidate {
    std::uint64_t served = 0;
    Load* load = nullptr;
    std::uint32_t ticket = 0;
  };

  [[nodiscard]] static bool is_next_everywhere(const Load& load, std::uint32_t index);
  [[nodiscard]] static bool fits_own(const Load& load, const Ticket& ticket);
  [[nodiscard]] bool fits_shared(const Ticket& ticket) const;
  void find_candidates();
  void take(Load& load, const Ticket& ticket);
  [[nodiscard]] const Load& find(LoadId load) const;
  [[nodiscard]] Load& find(LoadId load);

  std::vector<Ledger> shared_;
  std::list<Load> loads_;  // as they entered
  std::uint64_t grants_ = 0;
  std::vector<Candidate> candidates_;  // those of one next(); a member for its memory
  std::vector<std::uint32_t> places_;  // of the last grant
};

}  // namespace plimsoll::actors
