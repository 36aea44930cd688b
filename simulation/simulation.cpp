#include "simulation/simulation.hpp"

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <string>
#include <utility>

#include "simulation/virtual_device.hpp"
#include "trace/invariants.hpp"

namespace plimsoll::simulation {
namespace {

/// Far above what a scenario can need.
constexpr std::uint64_t most_steps = 200'000;
constexpr unsigned deepest_interruption = 3;

std::vector<std::uint32_t> credits_of(const Scenario& scenario) {
  std::vector<std::uint32_t> credits;
  for (const DeviceScenario& device : scenario.devices) credits.push_back(device.slots);
  return credits;
}

/// What of GGUF a load has to do with.
void count_kinds(const LoadScenario& load, SimulationReport& report) {
  const auto has = [&](auto is) { return std::ranges::any_of(load.plan->outputs, is) ? 1u : 0u; };
  report.packed += has([](const plan::OutputTensor& output) { return output.packed; });
  report.ggml += has([](const plan::OutputTensor& output) {
    return output.format.kind == codecs::FormatKind::ggml;
  });
  report.gguf += load.gguf ? 1 : 0;
}

}  // namespace

Simulation::Simulation(caf::actor_system& system, const Scenario& scenario, Choices choices,
                       Props& props)
    : scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
      system_(system),
      actors_before_(system.registry().running()),
      scenario_(scenario),
      props_(props),
      choices_(choices),
      recorder_(clock_, true),
      observer_(scenario, recorder_, findings_),
      started_at_(scenario.loads.size(), 0),
      crew_(system, scenario.lanes, props.credits(credits_of(scenario))),
      event_share_(choices_.between(5, 95)) {
  for (std::size_t i = 0; i < scenario.devices.size(); ++i) {
    devices_.push_back(props.device(std::make_unique<VirtualDevice>(
        "host:" + std::to_string(i), scenario.devices[i], clock_, choices_.fork())));
  }
  const Surroundings surroundings{scenario,  clock_,   recorder_, observer_,
                                  findings_, devices_, props};
  for (std::uint32_t i = 0; i < scenario.loads.size(); ++i) {
    loads_.push_back(
        std::make_unique<SimulatedLoad>(i, scenario.loads[i], surroundings, choices_.fork()));
  }
}

Simulation::~Simulation() {
  abandon();
}

void Simulation::run(SimulationReport& report) {
  run_loads();
  if (!findings_.first()) check_end();
  abandon();
  report.finding = findings_.first();
  report.steps = steps_;
  report.loads = static_cast<std::uint32_t>(loads_.size());
  for (const auto& load : loads_) {
    report.ended_well += load->ended_well();
    report.units += static_cast<std::uint32_t>(load->scenario().plan->units.size());
    if (load->ended_well()) count_kinds(load->scenario(), report);
  }
}

void Simulation::run_loads() {
  while (!findings_.first()) {
    start_and_cancel();
    if (!step() && !go_on_when_idle()) return;
    observer_.look();
    for (const auto& load : loads_) {
      load->settle();
      load->tell_consumer();
    }
    check_devices();
    if (++steps_ > most_steps) findings_.report("the actors never come to rest");
  }
}

/// Lets one thing happen; false if there is none.
bool Simulation::step() {
  const bool has_job = scheduler_.has_job();
  if (!has_job) observer_.all_told();
  if (!has_job && !clock_.has_events()) return false;
  clock_.advance(choices_.between(1, 40));
  if (has_job && !(clock_.has_events() && choices_.chance(static_cast<unsigned>(event_share_)))) {
    run_job();
  } else {
    arm_interruption();
    clock_.deliver();
    scheduler_.after_next_enqueue(nullptr);
  }
  return true;
}

void Simulation::start_and_cancel() {
  for (std::size_t i = 0; i < loads_.size(); ++i) {
    SimulatedLoad& load = *loads_[i];
    if (!load.started() && load.scenario().start_step <= steps_) {
      load.start(crew_);
      started_at_[i] = steps_;
    }
    const auto& cancel = load.scenario().faults.cancel;
    if (load.started() && cancel && steps_ == started_at_[i] + *cancel) load.cancel();
  }
}

/// Nothing moves any more: the next load begins, or those whose consumers stand still are
/// cancelled. By then all others must have ended. False if nothing can be done.
bool Simulation::go_on_when_idle() {
  for (std::size_t i = 0; i < loads_.size(); ++i) {
    if (loads_[i]->started()) continue;
    loads_[i]->start(crew_);
    started_at_[i] = steps_;
    return true;
  }
  bool cancelled = false;
  for (const auto& load : loads_) {
    if (load->ended()) continue;
    if (!load->consumer_stands_still()) {
      findings_.report("nothing is left to happen, but a load has not ended");
      return false;
    }
    load->cancel();
    cancelled = true;
  }
  return cancelled;
}

void Simulation::run_job() {
  std::swap(scheduler_.jobs.front(), scheduler_.jobs[choices_.below(scheduler_.jobs.size())]);
  arm_interruption();
  scheduler_.run_once();
  scheduler_.after_next_enqueue(nullptr);
}

/// Other threads may run where an actor sends: then the next message that wakes an actor lets some
/// jobs run to their end before its sender goes on.
void Simulation::arm_interruption() {
  if (depth_ == deepest_interruption || !choices_.chance(scenario_.preempt_percent)) return;
  scheduler_.after_next_enqueue([this] { interrupt(); });
}

void Simulation::interrupt() {
  ++depth_;
  for (std::uint64_t jobs = choices_.between(1, 8); jobs > 0 && scheduler_.has_job(); --jobs) {
    run_job();
  }
  --depth_;
  arm_interruption();
}

void Simulation::check_devices() {
  for (std::uint16_t i = 0; i < devices_.size(); ++i) {
    const gpu::Device& device = *devices_[i];
    std::uint64_t bytes = 0;
    for (const auto& load : loads_) bytes += load->bytes_on(i);
    if (device.held() != bytes || device.held() > device.limit()) {
      findings_.report(device.name() + " holds " + std::to_string(device.held()) +
                       " bytes instead of " + std::to_string(bytes) + ", with a limit of " +
                       std::to_string(device.limit()));
    }
  }
}

void Simulation::check_end() {
  if (observer_.credits_out() > 0) findings_.report("not every credit is home at the end");
  for (const auto& load : loads_) load->check_end();
  crew_.stop();
  run_all_jobs();
  if (system_.registry().running() != actors_before_) {
    findings_.report(std::to_string(system_.registry().running() - actors_before_) +
                     " actors are left at the end");
  }
  const auto violations = trace::find_violations(trace(), 1);
  if (!violations.empty()) findings_.report(violations.front());
}

/// Ends whatever is still going on, so that a finding in one seed leaves nothing behind. Nothing to
/// do after a run without one.
void Simulation::abandon() {
  if (!findings_.first()) return;
  scheduler_.after_next_enqueue(nullptr);
  for (const auto& load : loads_) load->abandon();
  props_.let_go();
  do {
    run_all_jobs();
    clock_.clear();
  } while (scheduler_.has_job());
  for (const auto& load : loads_) load->destroy();
  run_all_jobs();
  crew_.stop();
  run_all_jobs();
}

void Simulation::run_all_jobs() {
  while (scheduler_.has_job()) scheduler_.run_once();
}

trace::Trace Simulation::trace() const {
  trace::Trace trace;
  trace.events = recorder_.events();
  trace.info.dropped = recorder_.dropped();
  for (const DeviceScenario& device : scenario_.devices) {
    trace.info.devices.push_back(
        {"host:" + std::to_string(trace.info.devices.size()), device.slots, 0, 0});
  }
  for (const auto& load : loads_) {
    trace.info.complete = trace.info.complete && load->ended_well();
    for (std::size_t i = 0; i < load->scenario().engine_devices.size(); ++i) {
      const plan::DeviceLine& line = load->scenario().plan->devices[i];
      trace::DeviceInfo& device = trace.info.devices[load->scenario().engine_devices[i]];
      device.slot_bytes = std::max(device.slot_bytes, line.slot_bytes);
      device.load_line_bytes += line.load_line;
    }
  }
  return trace;
}

}  // namespace plimsoll::simulation
