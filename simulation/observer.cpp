#include "simulation/observer.hpp"

#include <algorithm>
#include <utility>

#include "io/byte_source.hpp"
#include "plan/align.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::simulation {
namespace {

using trace::EventKind;
using trace::EventPhase;

std::string text_of(std::uint32_t load, std::uint32_t unit) {
  return "load " + std::to_string(load) + " unit " + std::to_string(unit);
}

/// Offset of `place` in `memory` if `bytes` from there on lie inside it.
std::optional<std::uint64_t> offset_in(const gpu::Memory& memory, const std::byte* place,
                                       std::uint64_t bytes) {
  const std::less_equal<> not_after;
  const std::byte* const begin = memory.address();
  if (begin == nullptr || !not_after(begin, place) || !not_after(place, begin + memory.bytes())) {
    return std::nullopt;
  }
  const auto offset = static_cast<std::uint64_t>(place - begin);
  if (bytes > memory.bytes() - offset) return std::nullopt;
  return offset;
}

/// Where in its slots, or in its place if it is kept, a unit's range must land: a place for each of
/// its reads with these bytes of the file, as scales may be read twice.
std::vector<std::uint64_t> places_of(const plan::Plan& plan, const plan::Unit& unit,
                                     const io::ReadRange& range) {
  const plan::OutputTensor& output = plan.outputs[unit.output];
  std::vector<std::uint64_t> places;
  std::uint64_t place = unit.route.is_kept() ? 0 : unit.landing;
  for (std::uint32_t i = 0; i < (output.scaled ? 2 : 1) * unit.read_count; ++i) {
    if (i == unit.read_count) {
      place = plan::slot_layout(output.stored, output.dtype, unit.route, unit.region.elements(),
                                unit.scale_bytes)
                  .scales;
    }
    const plan::Read& read = plan.reads[unit.first_read + i];
    if (read.file == range.file && read.offset == range.offset && read.bytes == range.bytes) {
      places.push_back(place);
    }
    place += i < unit.read_count ? read.bytes : plan::align_up(read.bytes, 64);
  }
  return places;
}

}  // namespace

Observer::Observer(const Scenario& scenario, const trace::Recorder& recorder, Findings& findings)
    : scenario_(scenario),
      recorder_(recorder),
      findings_(findings),
      credits_(scenario.devices.size(), 0),
      loads_(scenario.loads.size()) {}

void Observer::begin(std::uint32_t load, const actors::LoadRun& run, std::uint64_t source_buffers) {
  LoadWatch& watch = loads_[load];
  watch.run = &run;
  watch.plan = scenario_.loads[load].plan.get();
  watch.source_buffers = source_buffers;
  for (const plan::DeviceLine& line : watch.plan->devices) {
    DeviceWatch& device = watch.devices.emplace_back();
    device.slot_users.assign(line.slots, nobody);
    device.output_users.assign(line.outputs, nobody);
  }
  watch.in_slot.assign(watch.plan->units.size(), false);
  watch.in_output.assign(std::max(watch.plan->units.size(), watch.plan->outputs.size()), false);
  for (std::uint16_t i = 0; i < watch.devices.size(); ++i) check_line(watch, i);
}

void Observer::forget(std::uint32_t load) {
  loads_[load].run = nullptr;
}

void Observer::all_told() {
  look();
  for (LoadWatch& load : loads_) {
    load.told_to_stop = load.told_to_stop || (load.run != nullptr && load.run->stopped());
  }
}

void Observer::working(std::uint32_t index) {
  look();
  const LoadWatch& load = loads_[index];
  if (load.run == nullptr) {
    findings_.report("load " + std::to_string(index) + " works on after its end");
  } else if (load.told_to_stop) {
    findings_.report("load " + std::to_string(index) + " works on after it was told to stop");
  }
}

void Observer::look() {
  const std::vector<trace::Event> events = recorder_.events_here(seen_);
  seen_ += events.size();
  for (const trace::Event& event : events) look_at(event);
}

void Observer::look_at(const trace::Event& event) {
  if (event.load >= loads_.size() || loads_[event.load].run == nullptr) {
    findings_.report("an event of " + text_of(event.load, event.unit) +
                     ", whose load has ended or never began");
    return;
  }
  LoadWatch& load = loads_[event.load];
  if (event.kind == EventKind::grant) {
    granted(load, event);
  } else if (event.kind == EventKind::release) {
    released(load, event);
  } else if (event.kind == EventKind::read && event.phase == EventPhase::begin) {
    load.reader = event.unit;
  } else if (event.kind == EventKind::write && event.phase == EventPhase::begin) {
    load.writer = event.unit;
  } else if (event.kind == EventKind::write) {
    const plan::Plan& plan = *load.plan;
    output_done(event.load, event.unit, plan.outputs[plan.units[event.unit].output].device);
  }
}

void Observer::granted(LoadWatch& load, const trace::Event& event) {
  const plan::Plan& plan = *load.plan;
  const plan::Unit& unit = plan.units[event.unit];
  const plan::OutputTensor& output = plan.outputs[unit.output];
  DeviceWatch& device = load.devices[output.device];
  if (load.run->parts().engine_devices[output.device] != event.device) {
    findings_.report(text_of(event.load, event.unit) + " was granted on a foreign device");
    return;
  }
  if (load.told_to_stop) {
    findings_.report(text_of(event.load, event.unit) + " was granted after its load had stopped");
  }
  if (event.full_precision != unit.slots) {
    findings_.report(text_of(event.load, event.unit) + " was granted " +
                     std::to_string(event.full_precision) + " slots instead of " +
                     std::to_string(unit.slots));
  }
  if (unit.waits && device.slots > 0) {
    findings_.report(text_of(event.load, event.unit) +
                     " was granted before the units that it waits for were home");
  }
  load.in_slot[event.unit] = true;
  device.slots += event.full_precision;
  device.units += event.full_precision > 0;
  device.peak_units = std::max(device.peak_units, device.units);
  credits_[event.device] += event.full_precision;
  if (credits_[event.device] > scenario_.devices[event.device].slots) {
    findings_.report(std::to_string(credits_[event.device]) + " slots are leased on device " +
                     std::to_string(event.device) + ", which has " +
                     std::to_string(scenario_.devices[event.device].slots));
  }
  if (unit.route.measure) {
    // Leaves nothing but what it found.
  } else if (plan.sink == plan::Sink::checkpoint) {
    load.in_output[event.unit] = true;
    ++device.outputs;
  } else if (plan.sink == plan::Sink::consumer &&
             event.unit == output.first_unit + output.measuring_units) {
    load.in_output[unit.output] = true;
    ++device.outputs;
  }
  check_line(load, output.device);
}

void Observer::released(LoadWatch& load, const trace::Event& event) {
  const plan::Plan& plan = *load.plan;
  if (!load.in_slot[event.unit]) {
    findings_.report(text_of(event.load, event.unit) + " gives back what it does not have");
    return;
  }
  load.in_slot[event.unit] = false;
  DeviceWatch& device = load.devices[plan.outputs[plan.units[event.unit].output].device];
  device.slots -= event.full_precision;
  device.units -= event.full_precision > 0;
  credits_[event.device] -= event.full_precision;
}

/// Once a load has stopped its units give their output buffers back without a sign of it.
void Observer::check_line(const LoadWatch& load, std::uint16_t index) {
  const plan::Plan& plan = *load.plan;
  const plan::DeviceLine& line = plan.devices[index];
  const DeviceWatch& device = load.devices[index];
  const std::string where =
      " on " + line.name + " by load " + std::to_string(load.run->parts().id) + ", whose plan has ";
  if (device.slots > line.slots) {
    findings_.report(std::to_string(device.slots) + " slots are held" + where +
                     std::to_string(line.slots));
  }
  const std::uint32_t outputs = load.run->stopped() ? 0 : device.outputs;
  if (outputs > line.outputs) {
    findings_.report(std::to_string(outputs) + " output buffers are held" + where +
                     std::to_string(line.outputs));
  }
  const std::uint64_t held = (plan.sink == plan::Sink::memory ? line.final_bytes : 0) +
                             device.slots * line.slot_bytes + outputs * line.output_bytes +
                             line.state_bytes + (index == 0 ? load.source_buffers : 0);
  if (held > line.load_line) {
    findings_.report(std::to_string(held) + " bytes are held" + where + "a load line of " +
                     std::to_string(line.load_line));
  }
}

void Observer::reading(std::uint32_t index, const io::ReadRange& range) {
  working(index);
  LoadWatch& load = loads_[index];
  if (load.run == nullptr) return;
  const plan::Plan& plan = *load.plan;
  const std::uint32_t reader = load.reader;
  std::vector<std::uint64_t> places;
  if (reader != nobody && load.in_slot[reader]) places = places_of(plan, plan.units[reader], range);
  if (places.empty()) {
    findings_.report("load " + std::to_string(index) + " reads what no granted unit asks for");
    return;
  }
  const std::string who = text_of(index, reader);
  const auto address = reinterpret_cast<std::uintptr_t>(range.destination);
  if (range.padded && address % io::direct_alignment != range.offset % io::direct_alignment) {
    findings_.report(who + " is read to an address that a direct read cannot use");
  }
  const plan::Unit& unit = plan.units[reader];
  const std::uint16_t device = plan.outputs[unit.output].device;
  if (!unit.route.is_kept()) {
    use_slots(load, reader, places, range);
  } else if (plan.sink == plan::Sink::checkpoint) {
    using_output(index, reader, device, range.destination, range.bytes);
  } else if (plan.sink == plan::Sink::consumer) {
    using_output(index, unit.output, device, range.destination, range.bytes);
  } else if (plan.sink == plan::Sink::memory &&
             !offset_in(load.run->parts().final_memory[device], range.destination, range.bytes)) {
    findings_.report(who + " is read to a place outside of final memory");
  }
}

/// `places`: where in the unit's slots the range may begin. Which slots they are is seen from that.
void Observer::use_slots(LoadWatch& load, std::uint32_t index,
                         const std::vector<std::uint64_t>& places, const io::ReadRange& range) {
  const plan::Plan& plan = *load.plan;
  const plan::Unit& unit = plan.units[index];
  const std::uint16_t device = plan.outputs[unit.output].device;
  const std::uint64_t slot_bytes = plan.devices[device].slot_bytes;
  const std::uint64_t unit_bytes = unit.slots * slot_bytes;
  const std::string who = text_of(load.run->parts().id, index);
  const gpu::Memory& slots = load.run->parts().slots[device];
  const auto offset = offset_in(slots, range.destination, range.bytes);
  const auto place = std::ranges::find_if(places, [&](std::uint64_t wanted) {
    return offset && *offset >= wanted && (*offset - wanted) % slot_bytes == 0;
  });
  if (place == places.end() || *place + range.bytes > unit_bytes ||
      *offset - *place + unit_bytes > slots.bytes()) {
    findings_.report(who + " is read to a place outside of its slots");
    return;
  }
  if (range.padded) {
    const std::uint64_t front = range.offset % io::direct_alignment;
    const std::uint64_t end = *place + range.bytes;
    const std::uint64_t behind = -end % io::direct_alignment;
    if (*place < front || end + behind > unit_bytes) {
      findings_.report(who + " has no room around it for a direct read");
      return;
    }
  }
  for (std::uint32_t slot = 0; slot < unit.slots; ++slot) {
    std::uint32_t& user = load.devices[device].slot_users[(*offset - *place) / slot_bytes + slot];
    if (user != nobody && user != index && load.in_slot[user]) {
      findings_.report(who + " is read to the slot that unit " + std::to_string(user) +
                       " still has");
    }
    user = index;
  }
}

void Observer::using_output(std::uint32_t index, std::uint32_t owner, std::uint16_t device,
                            const std::byte* bytes, std::uint64_t count) {
  working(index);
  LoadWatch& load = loads_[index];
  const std::string who = "load " + std::to_string(index) + " owner " + std::to_string(owner);
  if (load.run == nullptr) return;
  const std::uint64_t buffer_bytes = load.plan->devices[device].output_bytes;
  const auto offset = offset_in(load.run->parts().outputs[device], bytes, count);
  if (!offset || *offset % buffer_bytes + count > buffer_bytes) {
    findings_.report(who + " uses a place outside of its output buffer");
    return;
  }
  std::uint32_t& user = load.devices[device].output_users[*offset / buffer_bytes];
  if (user != nobody && user != owner && load.in_output[user] && !load.run->stopped()) {
    findings_.report(who + " uses the output buffer that " + std::to_string(user) + " still has");
  }
  user = owner;
}

void Observer::writing(std::uint32_t index, std::span<const std::byte> bytes) {
  working(index);
  const LoadWatch& load = loads_[index];
  if (load.run == nullptr) return;
  if (load.writer == nobody || !load.in_output[load.writer]) {
    findings_.report("load " + std::to_string(index) + " writes a unit that has no buffer");
    return;
  }
  const plan::OutputTensor& output = load.plan->outputs[load.plan->units[load.writer].output];
  using_output(index, load.writer, output.device, bytes.data(), bytes.size());
}

void Observer::output_done(std::uint32_t index, std::uint32_t owner, std::uint16_t device) {
  LoadWatch& load = loads_[index];
  if (!load.in_output[owner]) {
    findings_.report("load " + std::to_string(index) + " owner " + std::to_string(owner) +
                     " gives back an output buffer twice");
    return;
  }
  load.in_output[owner] = false;
  --load.devices[device].outputs;
}

std::uint64_t Observer::credits_out() const noexcept {
  std::uint64_t out = 0;
  for (const std::uint32_t credits : credits_) out += credits;
  return out;
}

std::uint32_t Observer::peak_units(std::uint32_t load, std::uint16_t device) const {
  return loads_[load].devices[device].peak_units;
}

}  // namespace plimsoll::simulation
