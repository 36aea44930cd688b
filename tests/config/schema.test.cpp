#include "config/schema.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "catch.hpp"
#include "config/setting_text.hpp"
#include "config/setting_value.hpp"

using namespace plimsoll::config;

TEST_CASE("names and aliases are unique, kebab-case and in a known group") {
  std::set<std::string_view> names;
  for (const SettingSchema& setting : schema()) {
    INFO(setting.name);
    CHECK(names.insert(setting.name).second);
    if (!setting.alias().empty()) CHECK(names.insert(setting.alias()).second);
    CHECK(setting.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-.") == std::string_view::npos);
    CHECK(std::count(setting.name.begin(), setting.name.end(), '.') == 1);
    const auto groups = setting_groups();
    CHECK(std::find(groups.begin(), groups.end(), setting.group()) != groups.end());
    CHECK_FALSE(setting.documentation.empty());
    CHECK_FALSE(setting.documentation.ends_with('.'));
    CHECK(setting.documentation.find('\n') == std::string_view::npos);
  }
}

TEST_CASE("no two settings live in the same place") {
  Settings settings;
  std::set<const void*> places;
  for (const SettingSchema& setting : schema()) {
    INFO(setting.name);
    const void* place =
        std::visit([](auto* p) { return static_cast<const void*>(p); }, setting.place(settings));
    CHECK(places.insert(place).second);
  }
}

TEST_CASE("every option of the command line that is a setting is found by its name") {
  for (const char* option :
       {"--to",         "--match",  "--skip",    "--layout",   "--expect", "--slots",
        "--unit-bytes", "--budget", "--devices", "--threads",  "--source", "-o",
        "--shard-size", "--force",  "--resume",  "--trace",    "--json",   "--no-progress",
        "--strict",     "--rules",  "--merge",   "--parallel", "--slice"}) {
    INFO(option);
    CHECK(find_setting(option).has_value());
  }
}

TEST_CASE("a setting is found by canonical name and alias, dashes and underscores alike") {
  const auto unit_bytes = find_setting("plan.unit-bytes");
  REQUIRE(unit_bytes.has_value());
  for (const char* name : {"plan.unit_bytes", "unit-bytes", "unit_bytes", "--unit-bytes"}) {
    REQUIRE(find_setting(name).has_value());
    CHECK(find_setting(name)->index == unit_bytes->index);
    CHECK_FALSE(find_setting(name)->negated);
  }
  CHECK(find_setting("no_progress")->index == find_setting("log.progress")->index);
  CHECK(find_setting("no-progress")->negated);
  CHECK_FALSE(find_setting("log.progress")->negated);
  for (const char* name : {"", "-", "plan", "slots.plan", "plan.", "progress", "Slots"}) {
    INFO(name);
    CHECK_FALSE(find_setting(name).has_value());
  }
}

TEST_CASE("an unknown name suggests the nearest, or the same key in its right group") {
  CHECK(nearest_setting("slotz") == "; did you mean \"slots\"?");
  CHECK(nearest_setting("plan.unit-byte") == "; did you mean \"plan.unit-bytes\"?");
  CHECK(nearest_setting("plan.devices") == "; did you mean \"engine.devices\"?");
  CHECK(nearest_setting("profil") == "; did you mean \"profile\"?");
}

TEST_CASE("the default of every setting is inside its own range and reads back from its text") {
  const Settings standard;
  for (const SettingSchema& setting : schema()) {
    INFO(setting.name);
    CHECK_FALSE(range_text(setting).empty());
    const auto text = toml_value(setting, standard);
    if (!text || text->starts_with('[') || *text == "true" || *text == "false") continue;
    std::string plain = *text;
    std::erase(plain, '"');
    Settings settings;
    CHECK_FALSE(assign(setting, OptionTexts{{plain}}, false, settings).has_value());
    CHECK(settings == standard);
  }
}

TEST_CASE("a string is written so that TOML reads it back") {
  CHECK(toml_string("host") == "\"host\"");
  CHECK(toml_string("a\\.b$") == "'a\\.b$'");
  CHECK(toml_string("it's \\d") == "\"it's \\\\d\"");
  CHECK(toml_string("a\nb\x7f") == "\"a\\u000ab\\u007f\"");
}
