#include "api/engine_core.hpp"

#include <sched.h>

#include <algorithm>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <exception>
#include <future>
#include <thread>

#include "actors/grant_order.hpp"
#include "gpu/host_device.hpp"

namespace plimsoll {
namespace {

/// Those that an actor system starts beside its workers, with some room.
constexpr std::size_t actor_system_threads = 4;

/// Cores this process may use.
std::size_t usable_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return static_cast<std::size_t>(std::max(CPU_COUNT(&cores), 1));
}

/// Throws std::system_error unless the system has `count` more threads to give. The actor system
/// cannot be ended once one of its own threads failed to start, so that is found out beforehand.
void try_threads(std::size_t count) {
  std::promise<void> all_started;
  const std::shared_future<void> go = all_started.get_future().share();
  std::vector<std::thread> threads;
  std::exception_ptr failure;
  try {
    while (threads.size() < count) threads.emplace_back([go] { go.wait(); });
  } catch (...) {
    failure = std::current_exception();
  }
  all_started.set_value();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

/// The default policy lets idle workers sleep up to 10 ms between looks, which a finished read
/// would have to wait for; sharing wakes one at once.
caf::actor_system_config& prepare(caf::actor_system_config& config, std::size_t workers) {
  try_threads(workers + actor_system_threads);
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", workers);
  config.set("logger.verbosity", caf::atom("quiet"));
  return config;
}

std::vector<std::shared_ptr<gpu::Device>> make_devices(const config::Settings& settings) {
  std::vector<std::shared_ptr<gpu::Device>> devices;
  for (const std::string& name : settings.engine.devices) {
    devices.push_back(std::make_shared<gpu::HostDevice>(name, settings.plan.budget.value_or(0)));
  }
  return devices;
}

/// As many workers, and as many lanes, as were asked for, else one for each core.
std::size_t workers_for(const config::Settings& settings) {
  return settings.engine.threads > 0 ? settings.engine.threads : usable_cores();
}

}  // namespace

Expected<void> EngineCore::check(const config::Settings& settings) {
  for (const std::string& name : settings.engine.devices) {
    if (name.rfind("host", 0) != 0) {
      return fail(ErrorCode::unsupported, "device " + name + ": this build has host devices only");
    }
  }
  if (settings.engine.devices.size() > actors::max_devices) {
    return fail(ErrorCode::invalid_argument,
                "an engine has at most " + std::to_string(actors::max_devices) + " devices");
  }
  return {};
}

EngineCore::EngineCore(const config::Settings& settings)
    : devices_(make_devices(settings)),
      system_(prepare(system_config_, workers_for(settings))),
      crew_(system_, workers_for(settings),
            std::vector<std::uint32_t>(devices_.size(), settings.plan.slots)) {}

EngineCore::~EngineCore() {
  crew_.stop();
}

}  // namespace plimsoll
