#include "simulation/simulate.hpp"

#include <caf/actor_system_config.hpp>

#include "simulation/simulation.hpp"

namespace plimsoll::simulation {
namespace {

thread_local std::uint64_t seed_of_thread = 0;

/// An actor system whose messages are delivered one by one, on request, in the caller's thread.
class StandingSystem {
 public:
  StandingSystem() : system_(configured()) {
    // An actor that is left over is reported; it must not hold up the rest.
    system_.await_actors_before_shutdown(false);
  }

  [[nodiscard]] caf::actor_system& get() noexcept { return system_; }

 private:
  caf::actor_system_config& configured() {
    config_.set("scheduler.policy", caf::atom("testing"));
    config_.set("logger.verbosity", caf::atom("quiet"));
    return config_;
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
};

}  // namespace

SimulationReport simulate(std::uint64_t seed, const SimulationOptions& options) {
  seed_of_thread = seed;
  SimulationReport report;
  report.seed = seed;
  Choices choices(seed);
  const auto scenario = draw_scenario(choices.fork());
  if (!scenario) {
    report.finding = std::string("no plan could be made: ") + scenario.error().what();
    return report;
  }
  Props honest;
  StandingSystem system;
  Simulation simulation(system.get(), *scenario, choices.fork(),
                        options.props != nullptr ? *options.props : honest);
  simulation.run(report);
  if (options.keep_trace) report.trace = simulation.trace();
  return report;
}

std::uint64_t current_seed() noexcept {
  return seed_of_thread;
}

}  // namespace plimsoll::simulation
