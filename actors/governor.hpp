#pragma once

#include <caf/actor_config.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <cstdint>
#include <map>
#include <vector>

#include "actors/grant_order.hpp"
#include "actors/lane.hpp"
#include "actors/load_berth.hpp"
#include "actors/messages.hpp"

namespace plimsoll::actors {

/// Grants units their slots and buffers in ticket order (see GrantOrder) and sends them to the
/// lane that has least to do. Handles OpenLoad, CloseLoad, LeaseReturned, Stop; sends UnitTask to
/// readers and LoadDrained to loaders. One an engine.
class Governor final : public caf::event_based_actor {
 public:
  /// `shared_slots`: credits of each engine device.
  Governor(caf::actor_config& config, std::vector<Lane> lanes,
           const std::vector<std::uint32_t>& shared_slots);

  [[nodiscard]] caf::behavior make_behavior() override;
  void on_exit() override;
  [[nodiscard]] const char* name() const override { return "governor"; }

 private:
  void open(const LoadRunPtr& run);
  void close(std::uint32_t load);
  void take_back(const Lease::Terms& terms);
  void grant_all();
  void send_if_drained(std::uint32_t load);
  [[nodiscard]] std::uint16_t idlest_lane() const;
  void record(const LoadBerth& berth, const Lease::Terms& terms, trace::EventKind kind) const;

  std::vector<Lane> lanes_;
  std::vector<std::uint32_t> in_flight_;  ///< units a lane has been sent and not given back
  std::uint16_t last_lane_ = 0;           ///< whose return came last: it is idle soonest
  std::size_t engine_devices_;
  GrantOrder order_;
  std::map<std::uint32_t, LoadBerth> berths_;
};

}  // namespace plimsoll::actors
