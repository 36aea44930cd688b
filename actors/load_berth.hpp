#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "actors/grant_order.hpp"
#include "actors/lease.hpp"
#include "actors/load_run.hpp"
#include "actors/messages.hpp"

namespace plimsoll::actors {

/// What the governor knows of an open load: who holds which slot and buffer.
class LoadBerth {
 public:
  /// `reads`: kept units that may be read at once on each device.
  LoadBerth(LoadRunPtr run, std::uint32_t reads);

  [[nodiscard]] LoadRun& run() const noexcept { return *run_; }
  [[nodiscard]] const LoadRunPtr& shared_run() const noexcept { return run_; }

  /// The ledger this load has of its own on each of the engine's devices.
  [[nodiscard]] std::vector<Claim> ledgers(std::size_t engine_devices) const;

  /// Its units in ticket order, without those of shards that an earlier run finished.
  [[nodiscard]] std::vector<Ticket> tickets() const;

  /// The task of a unit whose claim was granted, with its leases.
  [[nodiscard]] UnitTask board(const GrantOrder::Grant& grant, std::uint16_t lane,
                               const caf::actor& governor);

  /// A slot or buffer is free again.
  void take_back(const Lease::Terms& terms);

  /// Lets go of the buffers of tensors whose last units will not be granted any more.
  void forget_open_tensors();

 private:
  /// Output buffers of one device, the one freed last taken first (it is in the cache).
  struct Places {
    std::byte* memory = nullptr;
    std::uint64_t bytes = 0;
    std::vector<std::uint32_t> free;
    std::uint32_t held = 0;

    [[nodiscard]] std::byte* address(std::uint32_t place) const { return memory + place * bytes; }
    [[nodiscard]] std::uint32_t take();
    void give(std::uint32_t place);
  };
  struct DeviceBerth {
    std::byte* slots = nullptr;
    std::uint32_t slots_held = 0;
    std::uint32_t units_in_slots = 0;
    Places outputs;
    LeasePtr open_tensor;  ///< consumer sink: buffer of the tensor whose units are being granted
  };

  [[nodiscard]] Claim claim_of(const plan::Unit& unit, std::uint32_t index) const;
  [[nodiscard]] LeasePtr output_for(const Ticket& ticket, Lease::Terms terms,
                                    const caf::actor& governor);
  [[nodiscard]] std::byte* slot_address(std::uint16_t device, std::uint32_t place) const;
  void note_reach(std::uint16_t device);

  LoadRunPtr run_;
  std::uint32_t reads_;
  std::vector<DeviceBerth> devices_;
};

}  // namespace plimsoll::actors
