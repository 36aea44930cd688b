#include <algorithm>
#include <string>

#include "catch.hpp"
#include "config/embedded_files.hpp"
#include "config/loader.hpp"

using namespace plimsoll::config;

TEST_CASE("every shipped profile loads, changes something and says why") {
  const auto names = profile_names();
  CHECK(names.size() >= 4);
  CHECK(std::is_sorted(names.begin(), names.end()));
  for (std::string_view name : names) {
    INFO(name);
    Configuration configuration;
    REQUIRE(configuration.load_profile(name));
    CHECK(configuration.profile() == name);
    CHECK_FALSE(configuration.settings() == Settings{});
    CHECK(profile_text(name)->starts_with("# "));
  }
}

TEST_CASE("a profile says how to load, never what to make or where") {
  for (std::string_view name : profile_names()) {
    INFO(name);
    Configuration configuration;
    REQUIRE(configuration.load_profile(name));
    CHECK(configuration.settings().recipe == RecipeSettings{});
    CHECK(configuration.settings().output.path.empty());
    CHECK_FALSE(configuration.settings().output.force);
    CHECK(configuration.settings().trace.file.empty());
  }
}

TEST_CASE("low-memory asks for less than the default and fastest for more") {
  const Settings standard;
  Configuration low;
  REQUIRE(low.load_profile("low-memory"));
  Configuration fast;
  REQUIRE(fast.load_profile("fastest"));
  const auto line = [](const Settings& s) { return s.plan.slots * s.plan.unit_bytes; };
  CHECK(line(low.settings()) < line(standard));
  CHECK(line(fast.settings()) > line(standard));
}
