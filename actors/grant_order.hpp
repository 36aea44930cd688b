#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "actors/ledger.hpp"

namespace plimsoll::actors {

/// Device sets are bit masks: bit d names device d.
using DeviceSet = std::uint64_t;
inline constexpr std::uint32_t max_devices = 64;

/// A unit in the order of grants.
struct Ticket {
  std::uint32_t unit = 0;  ///< what the owner calls it; tickets are granted in the order given
  DeviceSet devices = 0;   ///< at least one
  Claim claim;             ///< on each of `devices`
};

/// Who may begin next. Pure: no actor, no clock, no memory but its own.
///
/// Rules
///  1. A ticket is granted when its claim fits, all at once, in the ledger of its load AND in the
///     shared ledger (slots only) of every device it names.
///  2. Within a load nobody overtakes: a ticket waits for all earlier tickets of its load that
///     share a device with it, and for no others.
///  3. Between loads grants alternate. A load whose turn it is and whose next ticket lacks only
///     shared slots keeps later loads off its devices until it is served; a load that waits for
///     something of its own (an output buffer still with its consumer) keeps nobody off.
///
/// Why this neither deadlocks nor starves anyone
///  A granted unit waits for no grant: its output buffer came with its slot, stages and writers
///  hold no credits. So slots and reads always come back, and output buffers come back when the
///  disk or the consumer is done with them. A consumer's buffer is granted with a tensor's first
///  ticket, and the tensor's later tickets, which must run before it comes back, claim no further
///  buffer and stand directly behind it: nothing that needs another buffer is before them.
///  Hence the earliest ungranted ticket of a load waits only for things that are on their way, and
///  not for later tickets (rule 2). Claims are taken atomically (rule 1), so no two loads can each
///  hold part of what the other needs. A claim of k slots is not passed over for ever by claims of
///  one: while its load is first in turn, freed slots gather for it (rule 3). Every claim is at
///  most the capacity, which add() checks.
///
/// Cost: next() is linear in loads x devices; a grant or return is constant beside that.
/// Not thread-safe: one owner, the governor.
class GrantOrder {
 public:
  using LoadId = std::uint32_t;

  struct Grant {
    LoadId load = 0;
    Ticket ticket;
  };

  /// `shared_slots`: credits of each device, over all loads.
  explicit GrantOrder(std::span<const std::uint32_t> shared_slots);

  /// Enters a load behind all others. `own`: its ledger on each device. False, and nothing is
  /// entered, if some ticket could never be granted or names no or an unknown device.
  [[nodiscard]] bool add(LoadId load, std::span<const Claim> own, std::vector<Ticket> tickets);

  /// The next ticket that may begin, taken from the ledgers; nothing if all must wait.
  [[nodiscard]] std::optional<Grant> next();

  /// Gives back all or part of a granted claim on one device.
  void give_back(LoadId load, std::uint32_t device, const Claim& claim);

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
    std::vector<Ticket> tickets;
    std::vector<Queue> queues;
  };
  enum class Verdict : std::uint8_t { fits, lacks_own, lacks_shared };

  [[nodiscard]] static bool is_next_everywhere(const Load& load, std::uint32_t index);
  [[nodiscard]] Verdict judge(const Load& load, const Ticket& ticket) const;
  [[nodiscard]] std::optional<std::uint32_t> choose(const Load& load, DeviceSet& kept_off) const;
  void take(Load& load, const Ticket& ticket);
  [[nodiscard]] const Load& find(LoadId load) const;
  [[nodiscard]] Load& find(LoadId load);

  std::vector<Ledger> shared_;
  std::list<Load> loads_;  // in the order of turns
};

}  // namespace plimsoll::actors
