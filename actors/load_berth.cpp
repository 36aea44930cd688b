#include "actors/load_berth.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "actors/handover.hpp"

namespace plimsoll::actors {

std::uint32_t LoadBerth::Places::take() {
  const std::uint32_t place = free.back();
  free.pop_back();
  ++held;
  return place;
}

void LoadBerth::Places::give(std::uint32_t place) {
  free.push_back(place);
  --held;
}

LoadBerth::LoadBerth(LoadRunPtr run, std::uint32_t reads)
    : run_(std::move(run)), reads_(reads), devices_(run_->plan().devices.size()) {
  const LoadParts& parts = run_->parts();
  const auto memory_of = [](const std::vector<gpu::Memory>& memory, std::size_t device) {
    return device < memory.size() ? memory[device].address() : nullptr;
  };
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const plan::DeviceLine& line = run_->plan().devices[i];
    DeviceBerth& device = devices_[i];
    device.slots = memory_of(parts.slots, i);
    device.outputs.memory = memory_of(parts.outputs, i);
    device.outputs.bytes = line.output_bytes;
    device.outputs.free.resize(line.outputs);
    // The first place is taken first.
    std::iota(device.outputs.free.rbegin(), device.outputs.free.rend(), 0u);
  }
}

std::vector<Claim> LoadBerth::ledgers(std::size_t engine_devices) const {
  std::vector<Claim> ledgers(engine_devices);
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const plan::DeviceLine& line = run_->plan().devices[i];
    ledgers[run_->parts().engine_devices[i]] = {line.slots, line.outputs, reads_};
  }
  return ledgers;
}

Claim LoadBerth::claim_of(const plan::Unit& unit, std::uint32_t index) const {
  const plan::Plan& plan = run_->plan();
  const plan::OutputTensor& output = plan.outputs[unit.output];
  const bool begins_tensor = index == output.first_unit + output.measuring_units;
  const bool takes_output =
      !unit.route.measure &&
      (plan.sink == plan::Sink::checkpoint || (plan.sink == plan::Sink::consumer && begins_tensor));
  return {unit.slots, takes_output ? 1u : 0u, unit.slots == 0 ? 1u : 0u};
}

std::vector<Ticket> LoadBerth::tickets() const {
  const plan::Plan& plan = run_->plan();
  const CheckpointSink* checkpoint = run_->parts().checkpoint;
  std::vector<Ticket> tickets;
  tickets.reserve(plan.units.size());
  for (std::uint32_t i = 0; i < plan.units.size(); ++i) {
    const plan::Unit& unit = plan.units[i];
    const plan::OutputTensor& output = plan.outputs[unit.output];
    if (checkpoint != nullptr &&
        checkpoint->is_finished(plan.components[output.first_component].shard)) {
      continue;
    }
    const std::uint16_t device = run_->parts().engine_devices[output.device];
    tickets.push_back({i, DeviceSet{1} << device, claim_of(unit, i), unit.waits});
  }
  return tickets;
}

UnitTask LoadBerth::board(const GrantOrder::Grant& grant, std::uint16_t lane,
                          const caf::actor& governor) {
  const plan::Plan& plan = run_->plan();
  const Ticket& ticket = grant.ticket;
  const std::uint16_t device = plan.outputs[plan.units[ticket.unit].output].device;
  DeviceBerth& berth = devices_[device];

  Lease::Terms terms;
  terms.load = run_->parts().id;
  terms.unit = ticket.unit;
  terms.device = device;
  terms.lane = lane;

  UnitTask task{run_, ticket.unit, lane, nullptr, nullptr};
  task.output = output_for(ticket, terms, governor);
  terms.ends_unit = true;
  terms.claim = {ticket.claim.slots, 0, ticket.claim.reads};
  std::byte* memory = nullptr;
  if (ticket.claim.slots > 0) {
    terms.place = grant.places.front();
    memory = slot_address(device, terms.place);
    berth.slots_held += ticket.claim.slots;
    berth.units_in_slots += 1;
  }
  task.work = caf::make_counted<Lease>(governor, terms, memory);
  note_reach(device);
  hand_over(task);
  return task;
}

/// A checkpoint's unit has a buffer of its own. A consumer's tensor has one, which its first unit
/// was granted and all its units share.
LeasePtr LoadBerth::output_for(const Ticket& ticket, Lease::Terms terms,
                               const caf::actor& governor) {
  const plan::Plan& plan = run_->plan();
  if (plan.units[ticket.unit].route.measure) return nullptr;
  DeviceBerth& device = devices_[terms.device];
  LeasePtr lease = device.open_tensor;
  if (ticket.claim.outputs > 0) {
    terms.claim = {0, 1, 0};
    terms.place = device.outputs.take();
    lease = caf::make_counted<Lease>(governor, terms, device.outputs.address(terms.place));
  }
  if (plan.sink == plan::Sink::consumer) {
    const plan::OutputTensor& output = plan.outputs[plan.units[ticket.unit].output];
    const bool ends_tensor = ticket.unit + 1 == output.first_unit + output.unit_count;
    device.open_tensor = ends_tensor ? nullptr : lease;
  }
  return lease;
}

std::byte* LoadBerth::slot_address(std::uint16_t device, std::uint32_t place) const {
  return devices_[device].slots + place * run_->plan().devices[device].slot_bytes;
}

void LoadBerth::take_back(const Lease::Terms& terms) {
  DeviceBerth& device = devices_[terms.device];
  if (terms.claim.slots > 0) {
    take_over(slot_address(terms.device, terms.place));
    device.slots_held -= terms.claim.slots;
    device.units_in_slots -= 1;
  }
  if (terms.claim.outputs > 0) {
    take_over(device.outputs.address(terms.place));
    device.outputs.give(terms.place);
  }
}

void LoadBerth::forget_open_tensors() {
  for (DeviceBerth& device : devices_) device.open_tensor = nullptr;
}

void LoadBerth::note_reach(std::uint16_t device) {
  const plan::Plan& plan = run_->plan();
  const plan::DeviceLine& line = plan.devices[device];
  const DeviceBerth& berth = devices_[device];
  DeviceReach& reach = run_->reach()[device];
  const std::uint64_t held =
      berth.slots_held * line.slot_bytes + berth.outputs.held * line.output_bytes;
  reach.peak_transient_bytes = std::max(reach.peak_transient_bytes, held);
  reach.peak_units = std::max(reach.peak_units, berth.units_in_slots);
}

}  // namespace plimsoll::actors
