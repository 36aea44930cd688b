#pragma once

#include <cstdint>
#include <optional>

#include "simulation/simulate.hpp"

namespace plimsoll::simulation {

/// What many seeds came to, all together.
struct SeedsReport {
  std::uint64_t seeds = 0;
  std::uint64_t loads = 0;
  std::uint64_t ended_well = 0;
  std::uint64_t units = 0;
  std::uint64_t steps = 0;
  std::optional<SimulationReport> failed;  ///< the lowest seed with a finding that was run
};

/// Simulates `count` seeds from `first` on, on `threads` threads (at least one), each with actor
/// systems of its own. Stops early after a finding.
[[nodiscard]] SeedsReport simulate_many(std::uint64_t first, std::uint64_t count, unsigned threads,
                                        const SimulationOptions& options = {});

}  // namespace plimsoll::simulation
