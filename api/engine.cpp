#include "plimsoll/engine.hpp"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "api/draft.hpp"
#include "api/engine_core.hpp"
#include "api/load_state.hpp"
#include "api/plan_summary.hpp"
#include "api/throwing.hpp"
#include "config/loader.hpp"

namespace plimsoll {

struct Engine::State {
  Config config;
  std::mutex mutex;
  std::unique_ptr<EngineCore> core;  // made by the first load
  std::vector<std::weak_ptr<Load::State>> loads;

  /// Devices, threads and credits are the engine's; the rest may be the load's own.
  [[nodiscard]] config::Settings settings_for(const LoadOptions& options) const {
    const config::Settings& own = config.internals().settings();
    if (!options.config) return own;
    config::Settings settings = options.config->internals().settings();
    settings.engine = own.engine;
    settings.plan.slots = std::min(settings.plan.slots, own.plan.slots);
    return settings;
  }

  std::shared_ptr<Load::State> begin(LoadRequest request) {
    if (request.options.consumer && request.options.destination) {
      throw Error(ErrorCode::invalid_argument,
                  "a load has either a consumer or destinations, not both");
    }
    const std::lock_guard lock(mutex);
    start_core();
    auto load = std::make_shared<Load::State>(*core, std::move(request));
    std::erase_if(loads, [](const auto& known) { return known.expired(); });
    loads.push_back(load);
    core->chores().add([load] { load->begin(); });
    return load;
  }

  void start_core() {
    if (core != nullptr) return;
    try {
      core = std::make_unique<EngineCore>(config.internals().settings());
    } catch (const std::system_error& failure) {
      throw Error(ErrorCode::out_of_memory,
                  std::string("the engine could not start its threads: ") + failure.what());
    }
  }

  ~State() {
    for (const auto& known : loads) {
      if (const auto load = known.lock()) {
        load->cancel();
        load->wait();
      }
    }
  }
};

Engine::Engine(Config config) : state_(std::make_shared<State>()) {
  or_throw(EngineCore::check(config.internals().settings()));
  state_->config = std::move(config);
}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Load Engine::load(const std::string& path, LoadOptions options) {
  config::Settings settings = state_->settings_for(options);
  return Load(state_->begin({path, "", std::move(settings), std::move(options)}));
}

Load Engine::quantize(const std::string& path, const std::string& out, LoadOptions options) {
  if (out.empty()) throw Error(ErrorCode::invalid_argument, "no output directory is given");
  config::Settings settings = state_->settings_for(options);
  return Load(state_->begin({path, out, std::move(settings), std::move(options)}));
}

Plan Engine::plan(const std::string& path, const std::string& out,
                  const LoadOptions& options) const {
  const LoadRequest request{path, out, state_->settings_for(options), options};
  const Draft draft =
      or_throw(draw(path, request.settings, request.sink(), request.out, request.options.expected));
  log_warnings(draft);
  return summarize(draft);
}

std::string_view version() noexcept {
  return PLIMSOLL_VERSION;
}

}  // namespace plimsoll
