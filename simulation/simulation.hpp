#pragma once

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "simulation/simulate.hpp"
#include "simulation/simulated_load.hpp"

namespace plimsoll::simulation {

/// One run: chooses what happens next until nothing is left to happen.
class Simulation {
 public:
  Simulation(caf::actor_system& system, const Scenario& scenario, Choices choices, Props& props);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Fills in the report's counts and finding.
  void run(SimulationReport& report);

  [[nodiscard]] trace::Trace trace() const;

 private:
  void run_loads();
  [[nodiscard]] bool step();
  [[nodiscard]] bool go_on_when_idle();
  void start_and_cancel();
  void run_job();
  void arm_interruption();
  void interrupt();
  void check_devices();
  void check_standstill();
  void end_actors();
  void check_end();
  void abandon();
  void run_all_jobs();

  caf::scheduler::test_coordinator& scheduler_;
  caf::actor_system& system_;
  const std::size_t actors_before_;
  const Scenario& scenario_;
  Props& props_;
  Choices choices_;
  Findings findings_;
  VirtualClock clock_;
  trace::Recorder recorder_;
  Observer observer_;
  std::vector<std::unique_ptr<gpu::Device>> devices_;
  std::vector<std::unique_ptr<SimulatedLoad>> loads_;
  std::vector<std::uint64_t> started_at_;  // step, a load
  actors::Crew crew_;
  std::uint64_t event_share_;  // how often an event comes before a job
  std::uint64_t steps_ = 0;
  unsigned depth_ = 0;  // of interruptions
};

}  // namespace plimsoll::simulation
