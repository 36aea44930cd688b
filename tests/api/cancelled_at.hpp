#pragma once

#include <cstdint>
#include <future>

#include "plimsoll/engine.hpp"

/// Cancels a load when a number of its units are done, from inside the engine's own thread, so that
/// it happens then and not about then.
class CancelledAt {
 public:
  explicit CancelledAt(std::uint32_t units) : units_(units) {}

  [[nodiscard]] plimsoll::LoadOptions options() {
    plimsoll::LoadOptions options;
    options.progress_interval = 0;
    options.on_progress = [this](const plimsoll::Progress& progress) {
      if (progress.units_done >= units_) load_.get()->cancel();
    };
    return options;
  }

  /// Once the load can be named. It waits for this.
  void begin(plimsoll::Load& load) { named_.set_value(&load); }

 private:
  std::uint32_t units_;
  std::promise<plimsoll::Load*> named_;
  std::shared_future<plimsoll::Load*> load_ = named_.get_future().share();
};
