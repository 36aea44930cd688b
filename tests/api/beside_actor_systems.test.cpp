#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <memory>
#include <string>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Engine;

namespace {

// With an argument, as CAF 0.17 binds a reference to nothing for actors that have none.
caf::behavior multiplier(caf::event_based_actor*, int factor) {
  return {[factor](int value) { return factor * value; }};
}

/// The program's own actors.
class OwnSystem {
 public:
  /// Sends a number to an actor of its own and waits for the answer.
  int doubled(int number) {
    const caf::actor doubler = system_.spawn(multiplier, 2);
    caf::scoped_actor self{system_};
    int answer = 0;
    self->request(doubler, caf::infinite, number)
        .receive([&](int value) { answer = value; }, [](const caf::error&) {});
    self->send_exit(doubler, caf::exit_reason::user_shutdown);
    return answer;
  }

 private:
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
};

struct Model {
  ScratchDirectory scratch;
  std::vector<SourceTensor> sources = tensors_of_all_kinds();
  std::string path = write_weights(scratch.path("model.safetensors"), sources);

  /// Empty if the engine loads it well.
  [[nodiscard]] std::string load_with(Engine& engine) const {
    return difference(engine.load(path).get().tensors(), sources, kept);
  }
};

}  // namespace

TEST_CASE("an engine lives beside an actor system of the program's, whichever came first") {
  const Model model;
  for (const bool engine_first : {false, true}) {
    for (const bool engine_leaves_first : {false, true}) {
      INFO("engine first: " << engine_first << ", leaves first: " << engine_leaves_first);
      std::unique_ptr<Engine> engine;
      if (engine_first) {
        engine = std::make_unique<Engine>(Config().set("threads", "2"));
        CHECK(model.load_with(*engine) == "");
      }
      auto own = std::make_unique<OwnSystem>();
      CHECK(own->doubled(21) == 42);
      if (!engine_first) engine = std::make_unique<Engine>(Config().set("threads", "2"));
      CHECK(model.load_with(*engine) == "");
      CHECK(own->doubled(4) == 8);
      if (engine_leaves_first) {
        engine.reset();
        CHECK(own->doubled(5) == 10);
      } else {
        own.reset();
        CHECK(model.load_with(*engine) == "");
      }
    }
  }
}

TEST_CASE("an engine can be used from inside the program's own actors") {
  const Model model;
  Engine engine(Config().set("threads", "1"));
  caf::actor_system_config config;
  caf::actor_system system{config};
  std::string found = "not run";
  system.spawn([&](caf::event_based_actor*, int) { found = model.load_with(engine); }, 0);
  system.await_all_actors_done();
  CHECK(found.empty());
}
