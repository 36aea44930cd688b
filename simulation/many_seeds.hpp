#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "simulation/simulate.hpp"

namespace plimsoll::simulation {

/// Followed by a seed, the command that repeats it.
inline constexpr char repeat_command[] = "./dev simulate --seed ";

/// What many seeds came to, all together.
struct SeedsReport {
  std::uint64_t seeds = 0;
  std::uint64_t loads = 0;
  std::uint64_t ended_well = 0;
  std::uint64_t units = 0;
  std::uint64_t packed = 0;  ///< loads, as in SimulationReport
  std::uint64_t ggml = 0;
  std::uint64_t gguf = 0;
  std::uint64_t steps = 0;
  std::optional<SimulationReport> failed;  ///< the lowest seed with a finding that was run
};

/// Simulates `count` seeds from `first` on, on `threads` threads (at least one), each with actor
/// systems of its own. Stops early after a finding.
[[nodiscard]] SeedsReport simulate_many(std::uint64_t first, std::uint64_t count, unsigned threads,
                                        const SimulationOptions& options = {});

/// One line: a failed seed, what was found, and the command that repeats it.
[[nodiscard]] std::string failure_line(const SimulationReport& failed);

}  // namespace plimsoll::simulation
