#include "config/pattern.hpp"

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using plimsoll::config::Pattern;

static_assert(!std::is_copy_constructible_v<Pattern>);
static_assert(std::is_nothrow_move_constructible_v<Pattern>);

namespace {

bool found(const char* pattern, std::string_view name) {
  const Expected<Pattern> compiled = Pattern::compile(pattern);
  REQUIRE(compiled.has_value());
  const Expected<bool> result = compiled->search(name);
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("a pattern is found anywhere in a name unless it is anchored") {
  CHECK(found("mlp", "model.layers.0.mlp.up_proj.weight"));
  CHECK(found("up_proj\\.weight$", "model.layers.0.mlp.up_proj.weight"));
  CHECK_FALSE(found("^mlp", "model.layers.0.mlp.up_proj.weight"));
  CHECK_FALSE(found("mlp", ""));
  CHECK(found("", "anything"));
}

TEST_CASE("look-ahead, look-behind and back references work") {
  CHECK(found("layers\\.(?!0\\.)\\d+", "layers.10.mlp"));
  CHECK_FALSE(found("layers\\.(?!0\\.)\\d+", "layers.0.mlp"));
  CHECK(found("(?<=experts\\.)7", "experts.7"));
  CHECK(found("(.)\\1", "hello"));
}

TEST_CASE("names are UTF-8, and bytes that are not match nothing") {
  CHECK(found("^.$", "\xc3\xa4"));
  CHECK_FALSE(found("\xc3\xa4", "\xc3"));
  CHECK(found("weight$", "\xff\xfe.weight"));
  CHECK_FALSE(found("^.*weight$", "\xff\xfe.weight"));
}

TEST_CASE("a pattern that does not compile names the position and the reason") {
  for (const char* text : {"(", "a{2", "[z-a]", "(?<n", "\\", "*", "\xff", "\\C"}) {
    INFO(text);
    const Expected<Pattern> pattern = Pattern::compile(text);
    if (std::string_view(text) == "a{2") {
      CHECK(pattern.has_value());  // PCRE2 takes an unfinished count literally
      continue;
    }
    REQUIRE_FALSE(pattern.has_value());
    CHECK(pattern.error().code() == ErrorCode::invalid_argument);
    CHECK(pattern.error().reason().find("position") != std::string::npos);
  }
  CHECK_FALSE(Pattern::compile(std::string(20'000, 'a')).has_value());
}

TEST_CASE("a pattern that would run for ages is an error, not a hang") {
  const std::string name = std::string(60, 'a') + "!";
  for (const char* text : {"^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "^(?:a*)*b\\1?$|(a*)*c"}) {
    INFO(text);
    const Expected<Pattern> pattern = Pattern::compile(text);
    if (!pattern) continue;
    const Expected<bool> result = pattern->search(name);
    if (result) CHECK_FALSE(*result);  // an engine clever enough may still finish
    if (!result) CHECK(result.error().code() == ErrorCode::invalid_argument);
  }
  const Expected<bool> result = Pattern::compile("^(a+)+$")->search(name);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().reason().find("too much work") != std::string::npos);
}

TEST_CASE("a deep match on a long name ends, with an answer or an error") {
  const Expected<Pattern> pattern = Pattern::compile("^(?:(x)|(y))*$");
  REQUIRE(pattern.has_value());
  const Expected<bool> result = pattern->search(std::string(1'000'000, 'x'));
  if (result) CHECK(*result);
  if (!result) CHECK(result.error().code() == ErrorCode::invalid_argument);
}

TEST_CASE("one pattern serves many threads at once") {
  const Expected<Pattern> pattern = Pattern::compile("layers\\.(\\d+)\\..*weight$");
  REQUIRE(pattern.has_value());
  std::vector<int> hits(8, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < hits.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1'000; ++i) {
        const std::string name = "layers." + std::to_string(i) + (i % 2 ? ".bias" : ".weight");
        hits[t] += pattern->search(name).value_or(false) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(hits == std::vector<int>(8, 500));
}

TEST_CASE("a find tells the whole match and the groups that took part") {
  const Expected<Pattern> pattern = Pattern::compile("(?<old>gamma)|(?<new>weight)_(x?)");
  REQUIRE(pattern.has_value());
  const auto match = pattern->find("norm.weight_.1");
  REQUIRE(match.has_value());
  REQUIRE(match->has_value());
  const Pattern::Match& groups = **match;
  REQUIRE(groups.size() == 4);
  CHECK(groups[0] == "weight_");
  CHECK_FALSE(groups[1].has_value());
  CHECK(groups[2] == "weight");
  CHECK(groups[3] == "");
  CHECK(pattern->group("old") == 1u);
  CHECK(pattern->group("new") == 2u);
  CHECK_FALSE(pattern->group("other").has_value());
  CHECK_FALSE(pattern->group("").has_value());

  const auto none = pattern->find("norm.bias");
  REQUIRE(none.has_value());
  CHECK_FALSE(none->has_value());
}

TEST_CASE("a find matches empty text and is bounded like a search") {
  const auto empty = Pattern::compile("^")->find("");
  REQUIRE((empty.has_value() && empty->has_value()));
  CHECK((**empty)[0] == "");
  const auto slow = Pattern::compile("^(a+)+$")->find(std::string(60, 'a') + "!");
  REQUIRE_FALSE(slow.has_value());
  CHECK(slow.error().code() == ErrorCode::invalid_argument);
}
