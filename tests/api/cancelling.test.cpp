#include <future>
#include <optional>
#include <string>
#include <vector>

#include "cancelled_at.hpp"
#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"
#include "waiting.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::Load;
using plimsoll::LoadOptions;

namespace {

Config small_units() {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("match", "weight$ -> nf4");
  return config;
}

/// True if the load's model is that of the sources, or there is none because it was cancelled.
bool ended_whole_or_cancelled(const Load& load, const std::vector<SourceTensor>& sources) {
  try {
    return difference(load.get().tensors(), sources, kept).empty();
  } catch (const plimsoll::Error& error) {
    return error.code() == ErrorCode::cancelled;
  }
}

/// A checkpoint of one tensor whose planning can be held up: the caller's memory is asked for then.
struct HeldPlanning {
  ScratchDirectory scratch;
  std::string path = write_weights(scratch.path("model.safetensors"),
                                   {random_tensor("w", plimsoll::Dtype::u8, {9})});
  Moment planning;
  Moment go_on;
  alignas(64) std::byte memory[64];

  [[nodiscard]] LoadOptions options() {
    LoadOptions options;
    options.destination = [this](const plimsoll::Placement&) {
      planning.reach();
      go_on.wait();
      return memory;
    };
    return options;
  }
};

}  // namespace

TEST_CASE("a load can be cancelled after any unit, and says so ever after") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  Engine engine(small_units());
  const std::uint32_t units = engine.plan(path).units;
  for (const std::uint32_t at : {1u, 2u, units / 3, units / 2, units - 1, units}) {
    INFO("at unit " << at << " of " << units);
    CancelledAt cancelled(at);
    Load load = engine.load(path, cancelled.options());
    cancelled.begin(load);
    CHECK_REFUSED(static_cast<void>(load.get()), ErrorCode::cancelled, "the load was cancelled");
    CHECK_REFUSED(static_cast<void>(load.report()), ErrorCode::cancelled, "the load was cancelled");
    CHECK(load.wait_for(std::chrono::nanoseconds(0)));
    CHECK(load.plan().units == units);
    load.cancel();
    CHECK(load.progress().units_done >= at);
  }
}

TEST_CASE("a load that is cancelled while it is planned reads nothing") {
  HeldPlanning held;
  Engine engine(small_units());
  Load load = engine.load(held.path, held.options());
  held.planning.wait();
  load.cancel();
  load.cancel();
  held.go_on.reach();
  CHECK_REFUSED(static_cast<void>(load.get()), ErrorCode::cancelled, "cancelled");
  CHECK(load.progress().bytes_read == 0);
}

TEST_CASE("a load that waits to be planned can be cancelled before it begins") {
  HeldPlanning first;
  HeldPlanning second;
  Engine engine(small_units());
  std::vector<Load> busy;  // an engine plans two loads at a time
  busy.push_back(engine.load(first.path, first.options()));
  busy.push_back(engine.load(second.path, second.options()));
  first.planning.wait();
  second.planning.wait();
  Load load = engine.load("/nowhere");
  load.cancel();
  first.go_on.reach();
  second.go_on.reach();
  CHECK_REFUSED(static_cast<void>(load.get()), ErrorCode::cancelled, "cancelled");
  CHECK_REFUSED(static_cast<void>(load.plan()), ErrorCode::cancelled, "cancelled");
  for (const Load& each : busy) CHECK(each.get().tensors().size() == 1);
}

TEST_CASE("cancelling right after the call ends well or cancelled") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  Engine engine(small_units().set("match", "nothing -> nf4"));
  for (int i = 0; i < 20; ++i) {
    Load load = engine.load(path);
    if (i % 2 == 1) static_cast<void>(load.plan());
    load.cancel();
    CHECK(ended_whole_or_cancelled(load, sources));
  }
}

TEST_CASE("a load that has ended well does not mind being cancelled") {
  const ScratchDirectory scratch;
  const auto source = random_tensor("w", plimsoll::Dtype::u8, {100});
  Engine engine(small_units());
  Load load = engine.load(write_weights(scratch.path("model.safetensors"), {source}));
  load.wait();
  load.cancel();
  CHECK(difference(load.get().tensors(), {source}, kept) == "");
}

TEST_CASE("letting go of a running load ends it") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  Engine engine(small_units());
  for (int i = 0; i < 5; ++i) {
    Moment begun;
    LoadOptions options;
    options.progress_interval = 0;
    options.on_progress = [&](const plimsoll::Progress&) { begun.reach(); };
    std::optional<Load> load(engine.load(path, options));
    begun.wait();
    load.reset();  // nothing calls on_progress, which is about to go, any more
  }
}

TEST_CASE("a moved load is the same load, and one moved over is ended") {
  HeldPlanning held;
  Engine engine(small_units());
  Load load = engine.load(held.path, held.options());
  Load moved = std::move(load);
  held.planning.wait();
  CHECK(moved.plan().units == 1);
  held.go_on.reach();
  CHECK(moved.get().tensors().size() == 1);
  const ScratchDirectory scratch;
  const auto source = random_tensor("w", plimsoll::Dtype::u8, {100});
  moved = engine.load(write_weights(scratch.path("model.safetensors"), {source}));
  CHECK(difference(moved.get().tensors(), {source}, kept) == "");
}

TEST_CASE("an engine that goes cancels its loads, and their handles stay good") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  std::vector<Load> loads;
  {
    Engine engine(small_units().set("match", "nothing -> nf4"));
    for (int i = 0; i < 12; ++i) loads.push_back(engine.load(path));
    loads[0].wait();
    Engine moved = std::move(engine);
    loads.push_back(moved.load(path));
  }
  for (const Load& load : loads) {
    CHECK(load.wait_for(std::chrono::nanoseconds(0)));
    CHECK(ended_whole_or_cancelled(load, sources));
    CHECK(load.progress().units_done <= load.progress().units);
  }
  CHECK(difference(loads[0].get().tensors(), sources, kept) == "");
}

TEST_CASE("wait_for tells whether the load has ended") {
  HeldPlanning held;
  Engine engine(small_units());
  Load load = engine.load(held.path, held.options());
  held.planning.wait();
  CHECK_FALSE(load.wait_for(std::chrono::nanoseconds(1)));
  held.go_on.reach();
  CHECK(load.wait_for(std::chrono::hours(1)));
}
