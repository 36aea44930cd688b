#include "simulation/simulated_load.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <string>
#include <utility>

#include "plan/components.hpp"
#include "simulation/virtual_device.hpp"
#include "simulation/virtual_source.hpp"

namespace plimsoll::simulation {
namespace {

/// Behind each piece of a caller's memory, to show writes beyond its end.
constexpr std::size_t guard_bytes = 64;

bool same(const Error& a, const Error& b) {
  return a.code() == b.code() && a.reason() == b.reason();
}

}  // namespace

SimulatedLoad::SimulatedLoad(std::uint32_t id, const LoadScenario& scenario,
                             const Surroundings& surroundings, Choices choices)
    : scenario_(scenario), surroundings_(surroundings), stage_{id,
                                                               scenario,
                                                               surroundings.clock,
                                                               surroundings.observer,
                                                               surroundings.findings,
                                                               choices,
                                                               {}} {}

void SimulatedLoad::start(actors::Crew& crew) {
  started_ = true;
  actors::LoadParts parts;
  parts.id = stage_.load;
  parts.plan = scenario_.plan;
  parts.recorder = &surroundings_.recorder;
  parts.engine_devices = scenario_.engine_devices;
  if (const auto allocated = allocate(parts); !allocated) {
    result_ = fail(allocated.error());
    return;
  }
  source_ = surroundings_.props.source(std::make_unique<VirtualSource>(stage_));
  parts.source = source_.get();
  open_sink(parts);
  parts.progress = [this](std::uint32_t units) { count_progress(units); };
  parts.ended = [this](Expected<void> result) { end(std::move(result)); };
  surroundings_.props.change(parts);
  run_ = std::make_shared<actors::LoadRun>(std::move(parts));
  stage_.observer.begin(stage_.load, *run_, source_->buffer_bytes());
  loader_ = crew.begin(run_);
}

Expected<void> SimulatedLoad::allocate(actors::LoadParts& parts) {
  const plan::Plan& plan = *scenario_.plan;
  for (std::size_t i = 0; i < plan.devices.size(); ++i) {
    const plan::DeviceLine& line = plan.devices[i];
    gpu::Device& device = *surroundings_.devices[scenario_.engine_devices[i]];
    parts.devices.push_back(&device);
    const std::uint64_t final_bytes = plan.sink == plan::Sink::memory ? line.final_bytes : 0;
    for (auto [memory, bytes] : {std::pair(&parts.final_memory, final_bytes),
                                 std::pair(&parts.slots, line.slots * line.slot_bytes),
                                 std::pair(&parts.outputs, line.outputs * line.output_bytes),
                                 std::pair(&parts.states, line.state_bytes)}) {
      auto allocated = device.allocate(bytes);
      if (!allocated) return fail(allocated.error());
      memory->push_back(*std::move(allocated));
    }
  }
  return {};
}

void SimulatedLoad::open_sink(actors::LoadParts& parts) {
  switch (scenario_.plan->sink) {
    case plan::Sink::memory:
      break;
    case plan::Sink::caller:
      give_destinations(parts);
      break;
    case plan::Sink::consumer: {
      auto consumer = std::make_unique<VirtualConsumer>(stage_, expected());
      consumer_watch_ = consumer.get();
      consumer_ = surroundings_.props.consumer(std::move(consumer));
      parts.consumer = consumer_.get();
      break;
    }
    case plan::Sink::checkpoint: {
      auto checkpoint = std::make_unique<VirtualCheckpoint>(stage_);
      checkpoint_watch_ = checkpoint.get();
      checkpoint_ = surroundings_.props.checkpoint(std::move(checkpoint));
      parts.checkpoint = checkpoint_.get();
      break;
    }
  }
}

void SimulatedLoad::give_destinations(actors::LoadParts& parts) {
  for (const plan::Component& component : scenario_.plan->components) {
    Bytes& memory = destinations_.emplace_back(component.bytes + guard_bytes);
    std::ranges::fill(memory, VirtualDevice::rubbish);
    parts.destinations.push_back(memory.data());
  }
}

const std::vector<std::vector<ExpectedComponent>>& SimulatedLoad::expected() {
  if (!expected_.empty()) return expected_;
  for (std::size_t i = 0; i < scenario_.blueprints.tensors.size(); ++i) {
    expected_.push_back(expected_components(scenario_, i));
  }
  return expected_;
}

void SimulatedLoad::cancel() {
  if (!started_ || ended()) return;
  const Error reason = stage_.inject(ErrorCode::cancelled, "a cancel");
  actors::cancel(*run_, loader_, reason);
}

void SimulatedLoad::tell_consumer() {
  if (consumer_stands_still() && run_ != nullptr && run_->stopped()) consumer_watch_->give_up();
}

void SimulatedLoad::count_progress(std::uint32_t units) {
  if (ended()) stage_.report("reports progress after its end");
  if (units != ++units_done_) stage_.report("reports progress out of order");
}

void SimulatedLoad::end(Expected<void> result) {
  if (ended()) stage_.report("ends twice");
  stage_.observer.look();
  stage_.observer.forget(stage_.load);
  result_ = std::move(result);
}

void SimulatedLoad::settle() {
  if (!ended() || run_ == nullptr || settled_) return;
  settled_ = true;
  loader_ = nullptr;
  if (ended_well()) final_memory_ = run_->take_final_memory();
  reach_ = run_->reach();
  bytes_read_ = run_->progress().bytes_read;
  if (run_.use_count() > 1) stage_.report("is still held by a message after its end");
  run_ = nullptr;
}

std::uint64_t SimulatedLoad::bytes_on(std::uint16_t device) const {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < scenario_.engine_devices.size(); ++i) {
    if (scenario_.engine_devices[i] != device) continue;
    const plan::DeviceLine& line = scenario_.plan->devices[i];
    if (run_ != nullptr) {
      bytes += line.slots * line.slot_bytes + line.outputs * line.output_bytes + line.state_bytes;
    }
    if (scenario_.plan->sink == plan::Sink::memory && (run_ != nullptr || ended_well())) {
      bytes += line.final_bytes;
    }
  }
  return bytes;
}

void SimulatedLoad::check_end() {
  if (!result_->has_value()) {
    check_error(result_->error());
    return;
  }
  if (!stage_.injected.empty()) {
    stage_.report("ends well in spite of: " + stage_.injected.front().reason());
    return;
  }
  check_counts();
  switch (scenario_.plan->sink) {
    case plan::Sink::memory:
      check_memory();
      break;
    case plan::Sink::caller:
      check_destinations();
      break;
    case plan::Sink::consumer:
      consumer_watch_->check();
      break;
    case plan::Sink::checkpoint:
      checkpoint_watch_->check(scenario_.gguf ? expected_gguf_files(expected(), *scenario_.gguf)
                                              : expected_shards(expected(), scenario_.shard_bytes));
      break;
  }
}

void SimulatedLoad::check_error(const Error& error) {
  const bool scarce = std::ranges::any_of(scenario_.engine_devices, [&](std::uint16_t device) {
    return surroundings_.scenario.devices[device].scarce;
  });
  if (reach_.empty() && error.code() == ErrorCode::out_of_memory && scarce) return;
  if (std::ranges::none_of(stage_.injected,
                           [&](const Error& injected) { return same(injected, error); })) {
    stage_.report(std::string("ends with an error that nobody made: ") + error.what());
  }
}

void SimulatedLoad::check_counts() {
  const plan::Plan& plan = *scenario_.plan;
  std::uint32_t units = 0;
  std::uint64_t bytes = 0;
  for (const plan::Unit& unit : plan.units) {
    const std::uint32_t shard = plan.components[plan.outputs[unit.output].first_component].shard;
    if (!scenario_.finished_shards.empty() && scenario_.finished_shards[shard]) continue;
    ++units;
    bytes += plan::bytes_read_by(plan, unit);
  }
  if (units_done_ != units) {
    stage_.report("ends well after " + std::to_string(units_done_) + " of " +
                  std::to_string(units) + " units");
  }
  if (bytes_read_ != bytes) stage_.report("counts other bytes than it has read");
  for (std::uint16_t i = 0; i < reach_.size(); ++i) {
    const plan::DeviceLine& line = plan.devices[i];
    if (reach_[i].peak_units != stage_.observer.peak_units(stage_.load, i)) {
      stage_.report("reports another peak of units than was observed");
    }
    if (reach_[i].peak_transient_bytes >
        line.slots * line.slot_bytes + line.outputs * line.output_bytes) {
      stage_.report("reports a peak above its load line");
    }
  }
}

/// The whole arena, so that a stray write between two tensors is seen too.
void SimulatedLoad::check_memory() {
  const plan::Plan& plan = *scenario_.plan;
  std::vector<Bytes> images;
  for (const gpu::Memory& memory : final_memory_) {
    images.emplace_back(memory.bytes(), VirtualDevice::rubbish);
  }
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    const plan::OutputTensor& output = plan.outputs[i];
    for (std::uint32_t c = 0; c < output.component_count; ++c) {
      const Bytes& bytes = expected()[i][c].bytes;
      const std::uint64_t address = plan.components[output.first_component + c].address;
      if (address + bytes.size() > images[output.device].size()) {
        stage_.report("has a tensor outside of final memory");
        return;
      }
      std::ranges::copy(bytes,
                        images[output.device].begin() + static_cast<std::ptrdiff_t>(address));
    }
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto [wanted, found] =
        std::mismatch(images[i].begin(), images[i].end(), final_memory_[i].address());
    if (wanted == images[i].end()) continue;
    const auto place = static_cast<std::uint64_t>(wanted - images[i].begin());
    stage_.report("ends well with wrong bytes on its device " + std::to_string(i) + ", " +
                  tensor_at(i, place));
  }
}

std::string SimulatedLoad::tensor_at(std::size_t device, std::uint64_t place) const {
  const plan::Plan& plan = *scenario_.plan;
  for (const plan::OutputTensor& output : plan.outputs) {
    if (output.device != device) continue;
    for (std::uint32_t c = 0; c < output.component_count; ++c) {
      const plan::Component& component = plan.components[output.first_component + c];
      if (place >= component.address && place - component.address < component.bytes) {
        return "byte " + std::to_string(place - component.address) + " of " +
               plan::stored_name(output, component);
      }
    }
  }
  return "between its tensors";
}

void SimulatedLoad::check_destinations() {
  std::size_t place = 0;
  for (const auto& tensor : expected()) {
    for (const ExpectedComponent& component : tensor) {
      Bytes wanted = component.bytes;
      wanted.resize(wanted.size() + guard_bytes, VirtualDevice::rubbish);
      if (destinations_[place++] != wanted) {
        stage_.report("ends well with wrong bytes in " + component.name);
      }
    }
  }
}

void SimulatedLoad::abandon() {
  if (run_ == nullptr) return;
  run_->fail(Error(ErrorCode::cancelled, "abandoned"));
  caf::anon_send(loader_, actors::LoadFailed{});
}

void SimulatedLoad::destroy() {
  source_.reset();
  consumer_.reset();
  checkpoint_.reset();
  if (loader_) caf::anon_send_exit(loader_, caf::exit_reason::kill);
  loader_ = nullptr;
  run_ = nullptr;
}

}  // namespace plimsoll::simulation
