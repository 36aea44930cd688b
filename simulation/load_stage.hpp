#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plimsoll/error.hpp"
#include "simulation/choices.hpp"
#include "simulation/findings.hpp"
#include "simulation/observer.hpp"
#include "simulation/scenario.hpp"
#include "simulation/virtual_clock.hpp"

namespace plimsoll::simulation {

/// What the virtual source and sinks of one load work with. Outlives them.
struct LoadStage {
  std::uint32_t load = 0;
  const LoadScenario& scenario;
  VirtualClock& clock;
  Observer& observer;
  Findings& findings;
  Choices choices;
  std::vector<Error> injected;  ///< failures that did come about, in order

  /// Makes a failure that the load may end with.
  [[nodiscard]] Error inject(ErrorCode code, std::string reason) {
    return injected.emplace_back(code, "injected: " + std::move(reason));
  }

  /// A delay of up to `most_ns`.
  [[nodiscard]] std::uint64_t delay(std::uint64_t most_ns) { return choices.below(most_ns + 1); }

  void report(const std::string& finding) {
    findings.report("load " + std::to_string(load) + ": " + finding);
  }
};

}  // namespace plimsoll::simulation
