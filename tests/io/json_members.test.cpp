#include "io/json_members.hpp"

#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "catch.hpp"

using namespace plimsoll::io;

namespace {

/// Whether the object's own keys are all different; a parser alone does not tell.
bool keys_differ(const std::string& text) {
  std::set<std::string> keys;
  bool differ = true;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& key) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1) {
      differ = keys.insert(key.get<std::string>()).second && differ;
    }
    return true;
  };
  return nlohmann::json::parse(text, watch, false).is_object() && differ;
}

}  // namespace

TEST_CASE("members are found where they stand") {
  const std::string text = " {\"a\" : [1, {\"b\": \"]\"}],\n\"c\\n\":-1e5 }\n";
  const auto object = find_json_members(text, "");
  REQUIRE(object);
  REQUIRE(object->members.size() == 2);
  const auto& [a, c] = std::tie(object->members[0], object->members[1]);
  CHECK((a.key == "a" && c.key == "c\n"));
  CHECK(text.substr(a.value_begin, a.value_end - a.value_begin) == "[1, {\"b\": \"]\"}]");
  CHECK(text.substr(c.value_begin, c.value_end - c.value_begin) == "-1e5");
  CHECK(text[c.key_begin] == '"');
  CHECK((text[object->open] == '{' && text[object->close] == '}'));
}

TEST_CASE("whatever a parser takes for an object is taken apart into the same members") {
  const std::string seed_text =
      "{\"model_type\": \"llama\", \"x\": [1, 2.5e-3, {\"y\": null}], \"s\": \"a\\\"b\\\\\", "
      "\"t\": {}, \"u\": [], \"v\": true}";
  const std::string alphabet = "{}[]\",:\\ \n01aetx-.";
  std::mt19937 random(3);
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed_text;
    for (unsigned change = random() % 3; change > 0; --change) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text.erase(at, 1 + random() % 4);
          break;
        case 1:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        default:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
      }
      if (text.empty()) text = "{}";
    }
    const auto object = find_json_members(text, "");
    if (!keys_differ(text)) continue;
    INFO(text);
    REQUIRE(object);
    const auto json = nlohmann::json::parse(text);
    REQUIRE(object->members.size() == json.size());
    for (const JsonMember& member : object->members) {
      const auto value = text.substr(member.value_begin, member.value_end - member.value_begin);
      CHECK(nlohmann::json::parse(value) == json[member.key]);
    }
    ++accepted;
  }
  CHECK(accepted > 1000);
}
