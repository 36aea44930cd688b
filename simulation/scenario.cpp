#include "simulation/scenario.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "plan/make_plan.hpp"
#include "plan/unit_sizes.hpp"
#include "simulation/virtual_blueprints.hpp"
#include "simulation/virtual_files.hpp"
#include "simulation/virtual_treatments.hpp"

namespace plimsoll::simulation {
namespace {

/// Small, so that tensors split; not so small that one seed takes as long as many.
std::uint64_t draw_unit_bytes(Choices& choices, const VirtualFiles& files) {
  std::uint64_t bytes = choices.between(100, 4096);
  std::uint64_t total = 0;
  for (const io::TensorEntry& tensor : files.catalogue.tensors) {
    total += io::element_count(tensor.shape) * bits_of(tensor.dtype) / 8;
  }
  while (total / bytes > 40) bytes *= 2;
  return bytes;
}

/// Some of the engine's devices, in any order.
std::vector<std::uint16_t> draw_devices(Choices& choices, std::size_t engine_devices) {
  std::vector<std::uint16_t> devices;
  for (std::size_t i = 0; i < engine_devices; ++i) devices.push_back(static_cast<std::uint16_t>(i));
  for (std::size_t i = devices.size(); i > 1; --i) {
    std::swap(devices[i - 1], devices[choices.below(i)]);
  }
  devices.resize(choices.between(1, devices.size()));
  return devices;
}

std::uint64_t highest_line(const plan::Plan& plan) {
  std::uint64_t highest = 0;
  for (const plan::DeviceLine& line : plan.devices) highest = std::max(highest, line.load_line);
  return highest;
}

plan::MergeMethod draw_merge(Choices& choices) {
  static constexpr plan::MergeMethod methods[] = {
      plan::MergeMethod::automatic, plan::MergeMethod::automatic, plan::MergeMethod::fold,
      plan::MergeMethod::gather, plan::MergeMethod::two_pass};
  return choices.one_of(methods);
}

plan::PlanRequest draw_request(Choices& choices, const VirtualFiles& files,
                               const std::vector<std::uint16_t>& devices,
                               const std::vector<DeviceScenario>& engine) {
  static constexpr plan::Sink sinks[] = {plan::Sink::memory, plan::Sink::caller,
                                         plan::Sink::consumer, plan::Sink::checkpoint};
  plan::PlanRequest request;
  request.merge = draw_merge(choices);
  request.devices.clear();
  std::uint32_t most_slots = engine[devices[0]].slots;
  for (const std::uint16_t device : devices) {
    request.devices.push_back("host:" + std::to_string(device));
    most_slots = std::min(most_slots, engine[device].slots);
  }
  // Now and then more than the engine shares out: the smaller number counts.
  if (choices.chance(10)) most_slots += 2;
  request.slots = static_cast<std::uint32_t>(choices.between(1, most_slots));
  request.sink = choices.one_of(sinks);
  request.unit_bytes = draw_unit_bytes(choices, files);
  if (choices.chance(50)) request.shard_bytes = choices.between(1, 6000);
  if (choices.chance(30)) request.direct_buffers = choices.between(1, 9) * 4096;
  request.direct_required = choices.chance(30);
  return request;
}

/// Whether some unit needs more slots than its device shares out.
bool asks_too_much(const plan::Plan& plan, const std::vector<std::uint16_t>& devices,
                   const std::vector<DeviceScenario>& engine) {
  return std::ranges::any_of(plan.units, [&](const plan::Unit& unit) {
    return unit.slots > engine[devices[plan.outputs[unit.output].device]].slots;
  });
}

/// The plan that is asked for. A tensor that cannot fold is merged in another way, and more slots
/// than the engine has are asked for only where no unit needs them.
Expected<plan::Plan> make_plan(const LoadScenario& load, plan::PlanRequest& request,
                               const std::vector<DeviceScenario>& engine) {
  auto plan = plan::make_plan(load.catalogue, load.blueprints, request);
  if (!plan && plan.error().code() == ErrorCode::unsupported &&
      request.merge == plan::MergeMethod::fold) {
    request.merge = plan::MergeMethod::automatic;
    plan = plan::make_plan(load.catalogue, load.blueprints, request);
  }
  if (!plan || !asks_too_much(*plan, load.engine_devices, engine)) return plan;
  for (const std::uint16_t device : load.engine_devices) {
    request.slots = std::min(request.slots, engine[device].slots);
  }
  return plan::make_plan(load.catalogue, load.blueprints, request);
}

/// With a budget between the smallest that works and what the plan asks for without one.
Expected<plan::Plan> fit_plan(Choices& choices, const LoadScenario& load, plan::Plan plan,
                              plan::PlanRequest& request,
                              const std::vector<DeviceScenario>& engine) {
  request.budget = plan.smallest_load_line - 1;
  if (plan.smallest_load_line > 0 && make_plan(load, request, engine)) {
    return fail(ErrorCode::internal, "a plan fits a budget below the smallest that works");
  }
  const std::uint64_t least = plan.smallest_load_line;
  request.budget =
      choices.chance(30) ? least : choices.between(least, std::max(least, highest_line(plan)));
  auto fitted = make_plan(load, request, engine);
  if (fitted && highest_line(*fitted) > *request.budget) {
    return fail(ErrorCode::internal, "the load line is above the budget");
  }
  return fitted;
}

Expected<std::shared_ptr<const plan::Plan>> draw_plan(Choices& choices, const LoadScenario& load,
                                                      plan::PlanRequest request,
                                                      const std::vector<DeviceScenario>& engine) {
  auto plan = make_plan(load, request, engine);
  if (plan && choices.chance(50)) {
    plan = fit_plan(choices, load, *std::move(plan), request, engine);
  }
  if (!plan) return fail(plan.error());
  return std::make_shared<const plan::Plan>(*std::move(plan));
}

Faults draw_faults(Choices& choices, const plan::Plan& plan) {
  Faults faults;
  if (choices.chance(50)) return faults;
  const std::uint64_t units = plan.units.size() + 1;
  const auto count = [&](std::uint64_t calls) {
    return static_cast<std::uint32_t>(choices.below(calls));
  };
  if (choices.chance(30)) faults.read = count(units);
  if (choices.chance(45)) faults.cancel = count(units * 12);
  if (plan.sink == plan::Sink::checkpoint) {
    if (choices.chance(25)) faults.write = count(units);
    if (choices.chance(15)) faults.shard = count(plan.layout.shards.size());
    faults.directory = choices.chance(10);
  } else if (plan.sink == plan::Sink::consumer) {
    if (choices.chance(25)) faults.refusal = count(plan.outputs.size() + 1);
    if (choices.chance(25)) faults.standstill = count(plan.outputs.size() + 1);
  }
  return faults;
}

Pace draw_pace(Choices& choices) {
  static constexpr unsigned cached[] = {0, 0, 50, 90, 100};
  static constexpr std::uint64_t most_ns[] = {1, 300, 3'000, 100'000};
  return {choices.one_of(cached), choices.one_of(most_ns), choices.one_of(most_ns),
          choices.one_of(most_ns)};
}

/// What becomes of the tensors; for a checkpoint sometimes a GGUF model, whatever they are from.
void treat(Choices& choices, LoadScenario& load, plan::PlanRequest& request) {
  const bool for_gguf = request.sink == plan::Sink::checkpoint && choices.chance(40);
  DrawnTreatments drawn = draw_treatments(choices, load.catalogue, load.blueprints, for_gguf);
  load.treatments = request.treatments = std::move(drawn.treatments);
  load.importance = std::move(drawn.importance);
  request.importance.assign(load.importance.begin(), load.importance.end());
  if (!for_gguf) return;
  load.gguf = request.gguf =
      draw_gguf_target(choices, load.catalogue, load.blueprints, load.treatments);
}

Expected<LoadScenario> draw_load(Choices choices, const std::vector<DeviceScenario>& engine) {
  LoadScenario load;
  VirtualFiles files = draw_files(choices);
  load.blueprints = draw_blueprints(choices, files);
  load.engine_devices = draw_devices(choices, engine.size());
  auto request = draw_request(choices, files, load.engine_devices, engine);
  load.shard_bytes = request.shard_bytes;
  load.catalogue = std::move(files.catalogue);
  load.files = std::move(files.contents);
  treat(choices, load, request);
  auto plan = draw_plan(choices, load, std::move(request), engine);
  if (!plan) return fail(plan.error());
  load.plan = *std::move(plan);
  const bool resumed = choices.chance(25);
  for (std::size_t i = 0; i < load.plan->layout.shards.size(); ++i) {
    load.finished_shards.push_back(resumed && choices.chance(40));
  }
  load.start_step = static_cast<std::uint32_t>(choices.chance(50) ? 0 : choices.below(400));
  load.faults = draw_faults(choices, *load.plan);
  load.pace = draw_pace(choices);
  return load;
}

std::vector<DeviceScenario> draw_engine(Choices& choices) {
  static constexpr std::uint64_t most_ns[] = {0, 0, 300, 5'000};
  std::vector<DeviceScenario> devices(choices.between(1, 3));
  for (DeviceScenario& device : devices) {
    device.slots = static_cast<std::uint32_t>(choices.between(1, 5));
    device.completion_ns = choices.one_of(most_ns);
    if (choices.chance(4)) device.no_memory = static_cast<std::uint32_t>(choices.below(6));
  }
  return devices;
}

/// A limit has just the room that the load lines ask for, or (rarely) too little for all of them.
void limit_devices(Choices& choices, Scenario& scenario) {
  for (const LoadScenario& load : scenario.loads) {
    for (std::size_t i = 0; i < load.engine_devices.size(); ++i) {
      scenario.devices[load.engine_devices[i]].limit += load.plan->devices[i].load_line;
    }
  }
  for (DeviceScenario& device : scenario.devices) {
    device.scarce = device.no_memory.has_value();
    if (choices.chance(5)) {
      device.limit = choices.below(device.limit + 1);
      device.scarce = true;
    }
    device.limit = std::max<std::uint64_t>(device.limit, 1);  // 0 would mean none
  }
}

}  // namespace

Expected<Scenario> draw_scenario(Choices choices) {
  static constexpr unsigned preempt[] = {0, 5, 30};
  Scenario scenario;
  scenario.lanes = choices.between(1, 4);
  scenario.preempt_percent = choices.one_of(preempt);
  scenario.devices = draw_engine(choices);
  const std::uint64_t loads = choices.chance(50) ? 1 : choices.between(2, 3);
  for (std::uint64_t i = 0; i < loads; ++i) {
    auto load = draw_load(choices.fork(), scenario.devices);
    if (!load) return fail(load.error());
    scenario.loads.push_back(*std::move(load));
  }
  limit_devices(choices, scenario);
  return scenario;
}

}  // namespace plimsoll::simulation
