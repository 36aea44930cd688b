#include "config/reference_page.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "catch.hpp"
#include "config/loader.hpp"

using namespace plimsoll::config;

TEST_CASE("the documentation lists exactly the settings and profiles there are") {
  std::ifstream stream(PLIMSOLL_DOCS_DIR "/configuration.md");
  REQUIRE(stream.is_open());
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  const std::string begin = "<!-- generated: settings_reference() -->\n";
  const std::string end = "<!-- end of the generated part -->";
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  // On a failure, the expected text below is what belongs between the two comments.
  CHECK(page.substr(from + begin.size(), to - from - begin.size()) == settings_reference());
}

TEST_CASE("every setting, its option and every profile stand in the reference") {
  const std::string text = settings_reference();
  for (const SettingSchema& setting : schema()) {
    INFO(setting.name);
    const std::string key = std::string(1, '`').append(setting.key()).append(1, '`');
    CHECK(text.find(key) != std::string::npos);
    CHECK(text.find(setting.option) != std::string::npos);
    CHECK(text.find(setting.documentation) != std::string::npos);
  }
  for (std::string_view name : profile_names()) {
    CHECK(text.find(std::string("### ").append(name).append("\n")) != std::string::npos);
  }
}
