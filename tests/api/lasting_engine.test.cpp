#include <filesystem>
#include <iterator>
#include <string>

#include "cancelled_at.hpp"
#include "catch.hpp"
#include "plimsoll/engine.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

namespace fs = std::filesystem;
using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::Load;

namespace {

std::ptrdiff_t entries(const char* directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

}  // namespace

TEST_CASE("an engine that has loaded fifty times holds no more than after the first") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("to", "nf4").set("source", "auto");
  const auto plan = Engine(config).plan(scratch.path("model"));
  // With one byte of memory kept back by any load, a later one would not fit.
  Engine engine(config.set("budget", std::to_string(plan.load_line_bytes)));
  engine.load(scratch.path("model")).wait();
  const std::ptrdiff_t files = entries("/proc/self/fd");
  const std::ptrdiff_t threads = entries("/proc/self/task");
  for (int i = 0; i < 50; ++i) {
    if (i % 5 == 4) {
      CancelledAt cancelled(1 + i);
      Load load = engine.load(scratch.path("model"), cancelled.options());
      cancelled.begin(load);
      load.wait();
    } else if (i % 5 == 3) {
      engine.load(scratch.path("nothing")).wait();
    } else if (i % 5 == 2) {
      const std::string out = scratch.path("out" + std::to_string(i));
      CHECK(engine.quantize(scratch.path("model"), out).report().units > 0);
    } else {
      CHECK(engine.load(scratch.path("model")).get().tensors().size() == plan.tensors.size());
    }
  }
  CHECK(entries("/proc/self/fd") == files);
  // The system may take a moment to forget the threads of the last load.
  CHECK(entries("/proc/self/task") < threads + 10);
}

TEST_CASE("a load that has ended holds no memory but its model's, though its handle is kept") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  Config config;
  config.set("threads", "2").set("to", "nf4").set("source", "pread");
  const auto plan = Engine(config).plan(scratch.path("model"));
  REQUIRE(plan.slots * plan.slot_bytes > 0);
  const std::uint64_t both = plan.load_line_bytes + plan.final_bytes + 4096;
  Engine engine(config.set("budget", std::to_string(both)));
  const Load first = engine.load(scratch.path("model"));
  first.wait();
  const Load second = engine.load(scratch.path("model"));
  CHECK(second.get().tensors().size() == plan.tensors.size());
}

TEST_CASE("engines come and go") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  const std::ptrdiff_t files = entries("/proc/self/fd");
  for (int i = 0; i < 10; ++i) {
    const Engine idle;
    Engine engine(Config().set("threads", "2"));
    CHECK(engine.load(scratch.path("model")).get().bytes() > 0);
  }
  CHECK(entries("/proc/self/fd") == files);
}
