#include "plimsoll/config.hpp"

#include <algorithm>

#include "catch.hpp"
#include "refusals.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::ErrorCode;

namespace {

Config::Setting setting(const Config& config, const std::string& name) {
  const auto all = config.settings();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace

TEST_CASE("a config begins with the defaults and says so") {
  const Config config;
  CHECK(config.get("slots") == "4");
  CHECK(config.get("plan.unit-bytes") == "\"1MiB\"");
  CHECK(config.get("budget").empty());
  CHECK(setting(config, "plan.slots").origin == "default");
}

TEST_CASE("values win over a file and a file over a profile, in whatever order they come") {
  const ScratchDirectory scratch;
  const std::string file = scratch.write("a.toml", "slots = 3\nthreads = 5\n");
  Config config;
  config.set("threads", "7").use_file(file).use_profile("low-memory");
  CHECK(config.get("slots") == "3");                     // the profile says 1
  CHECK(config.get("threads") == "7");                   // the file says 5
  CHECK(config.get("plan.unit-bytes") == "\"256KiB\"");  // nobody else says anything
  CHECK(setting(config, "plan.unit-bytes").origin == "profile low-memory");
  CHECK(setting(config, "plan.slots").origin == file + ":1");
  CHECK(setting(config, "engine.threads").value == "7");
}

TEST_CASE("a file names its profile, and both can be had in one call") {
  const ScratchDirectory scratch;
  const std::string file = scratch.write("a.toml", "profile = \"low-memory\"\nslots = 2\n");
  CHECK(Config::from_file(file).get("slots") == "2");
  CHECK(Config::from_file(file).get("engine.threads") == "2");
  CHECK(Config::from_profile("low-memory").get("slots") == "1");
}

TEST_CASE("a list setting takes all its values in one call") {
  Config config;
  config.set("devices", {"host:0", "host:1"});
  CHECK(config.get("devices") == R"(["host:0", "host:1"])");
}

TEST_CASE("a copy of a config goes its own way") {
  Config config;
  config.set("slots", "2");
  Config copy = config;
  copy.set("slots", "3");
  CHECK(config.get("slots") == "2");
  config = copy;
  CHECK(config.get("slots") == "3");
  const Config moved = std::move(copy);
  CHECK(moved.get("slots") == "3");
}

TEST_CASE("what a config cannot mean is refused where it is said") {
  const ScratchDirectory scratch;
  Config config;
  CHECK_REFUSED(config.set("slots", "0"), ErrorCode::invalid_argument, "slots");
  CHECK_REFUSED(config.set("slots", "many"), ErrorCode::invalid_argument, "slots");
  CHECK_REFUSED(config.set("slotz", "1"), ErrorCode::invalid_argument, "slots");
  CHECK_REFUSED(static_cast<void>(config.get("slotz")), ErrorCode::invalid_argument, "slots");
  CHECK_REFUSED(config.use_profile("fast"), ErrorCode::invalid_argument, "fastest");
  CHECK_REFUSED(config.use_file(scratch.path("none.toml")), ErrorCode::not_found, "none.toml");
  const std::string file = scratch.write("bad.toml", "[plan]\n\nslotz = 1\n");
  CHECK_REFUSED(static_cast<void>(Config::from_file(file)), ErrorCode::invalid_config,
                "bad.toml:3");
  CHECK(config.get("slots") == "4");
}
