#include "rules/required_text.hpp"

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "config/pattern.hpp"

using namespace plimsoll::rules;

TEST_CASE("the longest plain run of a pattern is required, or the one at its start") {
  const std::vector<std::pair<const char*, RequiredText>> known = {
      {"abc", {"abc", false}},
      {"\\.attn\\.", {".attn.", false}},
      {"a.bcd", {"bcd", false}},
      {"^model\\.visual", {"model.visual", true}},
      {"^model(?!\\.visual)", {"model", true}},
      {"(?<!x)layers(?!\\w)", {"layers", false}},
      {"(a|b)cd", {"cd", false}},
      {"ab*cd", {"cd", false}},
      {"abc?", {"ab", false}},
      {"abc+d", {"abc", false}},
      {"ab{2}cde", {"cde", false}},
      {"[abc]]de", {"]de", false}},
      {"[]abc]de", {"de", false}},
      {"(\\)[(]|x)de", {"de", false}},
      {"ab\\d+cde", {"cde", false}},
      {"(a)\\1", {"", false}},
      {"a|b", {"", false}},
      {"(?i)abc", {"", false}},
      {"(*UCP)abc", {"", false}},
      {"a\\x41b", {"", false}},
      {"\\Qa.b\\E", {"", false}},
      {"^(layers|norm)\\.x", {".x", false}},
      {"^", {"", false}},
  };
  for (const auto& [pattern, required] : known) {
    INFO(pattern);
    CHECK(required_text(pattern) == required);
  }
}

TEST_CASE("what a pattern matches has its required text") {
  const std::vector<const char*> patterns = {
      "ab?c",     "a(b|c)d", "^a.c",  "^a?bc",   "x*abc", "[ab]c",           "a{0}bc",
      "(?:ab)?c", "b(?=c)",  "^ab|c", "(^|a)bc", "\\Bc",  "ab.*\\.c(?!\\w)", "a\\.?b"};
  const std::string letters = "abcx.";
  for (const char* text : patterns) {
    const auto pattern = plimsoll::config::Pattern::compile(text);
    REQUIRE(pattern.has_value());
    const RequiredText required = required_text(text);
    for (std::size_t code = 0; code < 5 * 5 * 5 * 5 * 5; ++code) {
      std::string name;
      for (std::size_t rest = code; rest > 0; rest /= 5) name += letters[rest % 5];
      if (pattern->search(name).value() && !required.allows(name)) {
        FAIL(text << " matches " << name << ", which lacks " << required.text);
      }
    }
  }
}
