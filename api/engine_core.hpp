#pragma once

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "actors/crew.hpp"
#include "actors/job_threads.hpp"
#include "api/steady_clock.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "gpu/device.hpp"

namespace plimsoll {

/// What all loads of an engine share: an actor system of its own with as many workers as lanes, the
/// standing actors, the devices. Started by the first load, so that planning alone starts nothing.
class EngineCore {
 public:
  /// Errors: unsupported, for devices this build does not have; invalid_argument for more of them
  /// than the engine can tell apart.
  [[nodiscard]] static Expected<void> check(const config::Settings& settings);

  /// Of settings that were checked.
  explicit EngineCore(const config::Settings& settings);

  /// No load may be running.
  ~EngineCore();

  [[nodiscard]] actors::Crew& crew() noexcept { return crew_; }
  [[nodiscard]] const std::vector<std::shared_ptr<gpu::Device>>& devices() const noexcept {
    return devices_;
  }
  /// Threads for what blocks or takes long around a load: planning, files, reports.
  [[nodiscard]] actors::JobThreads& chores() noexcept { return chores_; }
  /// One for all loads, so that their traces can be laid side by side.
  [[nodiscard]] const trace::Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] std::uint32_t next_load_id() noexcept { return next_load_++; }

 private:
  SteadyClock clock_;
  std::vector<std::shared_ptr<gpu::Device>> devices_;
  caf::actor_system_config system_config_;
  caf::actor_system system_;
  actors::Crew crew_;
  std::atomic<std::uint32_t> next_load_{0};
  actors::JobThreads chores_{2};
};

}  // namespace plimsoll
