#include "config/effective.hpp"

#include <string>

#include "catch.hpp"

using namespace plimsoll::config;

TEST_CASE("every setting is listed with its value and where it came from") {
  Configuration configuration;
  REQUIRE(configuration.load_text("slots = 9", "f.toml"));
  REQUIRE(configuration.set("--budget", "8GiB"));
  const auto settings = effective_settings(configuration);
  REQUIRE(settings.size() == schema().size());
  for (const EffectiveSetting& setting : settings) {
    if (setting.name == "plan.slots") {
      CHECK(setting.value == "9");
      CHECK(setting.origin == "f.toml:1");
    } else if (setting.name == "plan.budget") {
      CHECK(setting.value == "\"8GiB\"");
      CHECK(setting.origin == "command line (--budget)");
    } else {
      CHECK(setting.origin == "default");
    }
    if (setting.name == "recipe.to") CHECK_FALSE(setting.value.has_value());
  }
}

TEST_CASE("the listing is a config file that gives the same settings") {
  Configuration configuration;
  CHECK(effective_toml(configuration).find("slots = 4                       # default") !=
        std::string::npos);
  REQUIRE(configuration.load_profile("low-memory"));
  REQUIRE(configuration.load_text(R"(
to = "nf4:variant=cpu"
match = ['a\.b "quoted" -> bf16', "it's -> keep"]
skip = []
budget = 123456789
devices = ["host:0", "cuda:1"]
source = "direct"
expect = 'C:\x'
parallel = "3/8"
slice = ['\.wo\. -> rows', 'experts -> experts']
merge = "gather"
)",
                                  "multi\nline.toml"));
  Configuration again;
  const std::string text = effective_toml(configuration);
  INFO(text);
  REQUIRE(again.load_text(text, "again.toml"));
  CHECK(again.settings() == configuration.settings());
  REQUIRE(configuration.set("budget", "18446744073709551615"));
  REQUIRE(again.load_text(effective_toml(configuration), "again.toml"));
  CHECK(again.settings() == configuration.settings());
}
