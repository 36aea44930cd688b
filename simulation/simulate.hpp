#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "simulation/props.hpp"
#include "trace/trace.hpp"

namespace plimsoll::simulation {

struct SimulationOptions {
  bool keep_trace = false;
  Props* props = nullptr;  ///< for tests of the simulation itself
};

/// What one seed came to.
struct SimulationReport {
  std::uint64_t seed = 0;
  std::optional<std::string> finding;  ///< the first rule that was broken, in one line
  std::uint64_t steps = 0;
  std::uint32_t loads = 0;
  std::uint32_t ended_well = 0;
  std::uint32_t units = 0;
  // Of the loads that ended well, those with some of it:
  std::uint32_t packed = 0;  ///< tensors of GGUF files that were decoded
  std::uint32_t ggml = 0;    ///< tensors made to one of ggml's types
  std::uint32_t gguf = 0;    ///< a GGUF model as the result
  trace::Trace trace;        ///< of all loads, if it was asked for
};

/// Runs the real actors of an engine through one scenario, in this thread alone: the seed decides
/// about files, plans, devices, faults and the order of everything that happens. Equal seeds give
/// equal reports, traces byte for byte, on every machine of one build.
///
/// Asserted after every step: what Observer says, and that a device holds exactly what its running
/// loads may hold. At the end: each load ended once, with every output byte right or with an error
/// that was made on purpose; every credit is home, no memory held, no message and no actor left;
/// trace::find_violations finds nothing.
/// Reentrant: threads may simulate side by side.
[[nodiscard]] SimulationReport simulate(std::uint64_t seed, const SimulationOptions& options = {});

/// The seed that the calling thread simulates or simulated last, for whoever has to report a crash.
[[nodiscard]] std::uint64_t current_seed() noexcept;

}  // namespace plimsoll::simulation
