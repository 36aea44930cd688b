#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/blueprint.hpp"
#include "plan/gguf_files.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"
#include "simulation/choices.hpp"

namespace plimsoll::simulation {

/// What goes wrong in a load. A count says which call of its kind fails, from 0; where a load makes
/// fewer calls nothing happens.
struct Faults {
  std::optional<std::uint32_t> read;        ///< a read fails half-way, or the file ends early
  std::optional<std::uint32_t> write;       ///< a unit's write fails
  std::optional<std::uint32_t> shard;       ///< a shard cannot be finished
  bool directory = false;                   ///< the checkpoint cannot be finished
  std::optional<std::uint32_t> refusal;     ///< the consumer refuses a tensor
  std::optional<std::uint32_t> standstill;  ///< from this tensor on the consumer returns nothing
  std::optional<std::uint32_t> cancel;      ///< steps from the load's start to its cancel
};

/// How long things take, in virtual nanoseconds at most, and how often a read is found in the
/// cache.
struct Pace {
  unsigned cached_percent = 100;
  std::uint64_t read_ns = 0;
  std::uint64_t write_ns = 0;
  std::uint64_t consumer_ns = 0;
};

/// One load: files with their bytes, a plan, and what will happen to it.
struct LoadScenario {
  io::Catalogue catalogue;
  std::vector<std::vector<std::byte>> files;   ///< content of each of the catalogue's files
  plan::Blueprints blueprints;                 ///< what the result is made of
  std::vector<plan::Treatment> treatments;     ///< of each blueprint
  std::vector<std::vector<float>> importance;  ///< the same: see plan::PlanRequest
  std::uint64_t shard_bytes = 0;               ///< checkpoint of safetensors
  std::optional<plan::GgufTarget> gguf;        ///< checkpoint that is a GGUF model
  std::shared_ptr<const plan::Plan> plan;
  std::vector<std::uint16_t> engine_devices;  ///< the engine's number of each device of the plan
  std::vector<bool> finished_shards;          ///< checkpoint: by an earlier run
  std::uint32_t start_step = 0;
  Faults faults;
  Pace pace;
};

struct DeviceScenario {
  std::uint32_t slots = 1;                 ///< credits, over all loads
  std::uint64_t limit = 0;                 ///< bytes that it holds at most
  std::optional<std::uint32_t> no_memory;  ///< the allocation that the system refuses
  bool scarce = false;              ///< one of these two may refuse what the load lines promise
  std::uint64_t completion_ns = 0;  ///< its work ends at most so much later; 0: at once
};

/// Everything that a seed decides beforehand. Pure data; the schedule is chosen on the way.
struct Scenario {
  std::size_t lanes = 1;
  unsigned preempt_percent = 0;  ///< how often a step may be interrupted where it sends a message
  std::vector<DeviceScenario> devices;
  std::vector<LoadScenario> loads;
};

/// Error: a plan that the generated files and budget must allow could not be made.
[[nodiscard]] Expected<Scenario> draw_scenario(Choices choices);

}  // namespace plimsoll::simulation
