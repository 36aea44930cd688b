#include <string>
#include <vector>

#include "catch.hpp"
#include "plimsoll/engine.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::LoadOptions;
using plimsoll::Progress;

TEST_CASE("progress only grows, and ends complete") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  Engine engine(Config().set("threads", "2").set("unit-bytes", "4KiB").set("to", "f32"));
  std::vector<Progress> shown;
  LoadOptions options;
  options.progress_interval = 0;
  options.on_progress = [&](const Progress& progress) { shown.push_back(progress); };
  auto load = engine.load(path, options);
  load.wait();
  REQUIRE(shown.size() == load.plan().units + 1);  // after each unit, and at the end
  for (std::size_t i = 1; i < shown.size(); ++i) {
    CHECK(shown[i].units_done >= shown[i - 1].units_done);
    CHECK(shown[i].bytes_read >= shown[i - 1].bytes_read);
    CHECK(shown[i].seconds >= shown[i - 1].seconds);
    CHECK(shown[i].units == load.plan().units);
    CHECK(shown[i].bytes_to_read == shown[0].bytes_to_read);
  }
  CHECK(shown.back().units_done == load.plan().units);
  CHECK(shown.back().bytes_read == shown.back().bytes_to_read);
  CHECK(load.progress().units_done == load.plan().units);
  CHECK(load.progress().seconds >= shown.back().seconds);
  CHECK(load.progress().seconds == load.progress().seconds);
}

TEST_CASE("progress that is asked for seldom is still shown at the end") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  Engine engine(Config().set("threads", "2").set("unit-bytes", "4KiB"));
  std::vector<Progress> shown;
  LoadOptions options;
  options.progress_interval = 1e9;
  options.on_progress = [&](const Progress& progress) { shown.push_back(progress); };
  engine.load(path, options).wait();
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].units_done == shown[0].units);
}
