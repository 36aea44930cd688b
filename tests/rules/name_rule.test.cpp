#include "rules/name_rule.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::rules;

namespace {

NameRule rule(const char* text, const std::optional<Scope>& scope = {}) {
  Expected<Rule> parsed = parse_rule(text);
  INFO(text);
  REQUIRE(parsed.has_value());
  Expected<NameRule> compiled = NameRule::compile(*parsed, scope);
  REQUIRE(compiled.has_value());
  return std::move(*compiled);
}

/// The name that a rule makes of another; the name itself if the rule does not apply.
std::string renamed(const NameRule& rule, const std::string& name) {
  RuleProgress progress;
  const auto result = rule.apply(name, progress);
  REQUIRE(result.has_value());
  return *result ? (*result)->name : name;
}

std::string renamed(const char* text, const std::string& name) {
  return renamed(rule(text), name);
}

}  // namespace

TEST_CASE("a pattern is searched anywhere, and its unescaped dots are any character") {
  CHECK(renamed("fc1 -> up", "layers.0.fc1.weight") == "layers.0.up.weight");
  CHECK(renamed("^fc1 -> up", "layers.0.fc1.weight") == "layers.0.fc1.weight");
  CHECK(renamed("a.b -> c", "x_axb_y.aXb") == "x_axb_y.c");
  CHECK(renamed("a\\.b -> c", "aXb.a.b") == "aXb.c");
}

TEST_CASE("a star before a dot is any text, not one part of a name") {
  CHECK(renamed("a.*.c -> d", "a.1.b.c") == "d");
  CHECK(renamed("a.*.c -> d", "a.1.c.2.c.x") == "d.x");
  CHECK(renamed("experts.*.w1 -> e", "layers.0.experts.7.w1") == "layers.0.e");
  CHECK(renamed("experts.*.w1 -> e", "layers.0.experts.w1") == "layers.0.experts.w1");
}

TEST_CASE("a pattern that ends in a letter or digit ends where a word ends") {
  CHECK(renamed(".weight -> .w", "q.weight_scale_inv") == "q.weight_scale_inv");
  CHECK(renamed(".weight -> .w", "q.weight") == "q.w");
  CHECK(renamed(".weight -> .w", "q.weight.absmax") == "q.w.absmax");
  CHECK(renamed("norm1 -> n", "norm10.x") == "norm10.x");
  CHECK(renamed("hc_ -> h.", "hc_fn") == "h.fn");
  CHECK(renamed("\\.norm\\. -> .n.", "a.norm.b") == "a.n.b");
}

TEST_CASE("look-behind and look-ahead see the rest of the name") {
  const char* rule = "(?<!language_model\\.)layers -> language_model.layers";
  CHECK(renamed(rule, "model.layers.0") == "model.language_model.layers.0");
  CHECK(renamed(rule, "model.language_model.layers.0") == "model.language_model.layers.0");
  CHECK(renamed("^model(?!\\.visual) -> m", "model.visual.x") == "model.visual.x");
  CHECK(renamed("^ -> model.", "norm.weight") == "model.norm.weight");
}

TEST_CASE("the first group of the pattern that matched stands for \\1") {
  CHECK(renamed("layers.(\\d+).fc -> blocks.\\1.mlp.\\1", "layers.12.fc") == "blocks.12.mlp.12");
  CHECK(renamed("(^|model\\.)norm\\. -> \\1text.norm.", "model.norm.w") == "model.text.norm.w");
  CHECK(renamed("(^|model\\.)norm\\. -> \\1text.norm.", "norm.w") == "text.norm.w");
  CHECK(renamed("(a)x (b)y -> \\1", "q.by") == "q.b");
  CHECK(renamed("(a)x (b)y -> \\1", "q.ax") == "q.a");
}

TEST_CASE("of several patterns the leftmost match counts, at one place that of the longest text") {
  const NameRule two = rule("weight weight.absmax -> x");
  RuleProgress progress;
  const auto longest = two.apply("q.weight.absmax", progress);
  REQUIRE((longest.has_value() && longest->has_value()));
  CHECK((*longest)->name == "q.x");
  CHECK((*longest)->from == 1);
  const auto leftmost = rule("bb.cc a -> x").apply("a.bb.cc", progress);
  REQUIRE((leftmost.has_value() && leftmost->has_value()));
  CHECK((*leftmost)->name == "x.bb.cc");
  CHECK((*leftmost)->from == 1);
}

TEST_CASE("the first place that reads like the match is replaced, not the matched place") {
  CHECK(renamed("(?<=b\\.)norm -> x", "norm.b.norm") == "x.b.norm");
  CHECK(renamed("norm$ -> x", "norm.b.norm") == "x.b.norm");
}

TEST_CASE("a prefix is taken off or put on, below a parent if there is one") {
  CHECK(renamed("remove vision_model", "vision_model.layers.0") == "layers.0");
  CHECK(renamed("remove vision_model", "x.vision_model.layers.0") == "x.vision_model.layers.0");
  CHECK(renamed("remove model below vlm", "vlm.model.x") == "vlm.x");
  CHECK(renamed("add timm", "layers.0") == "timm.layers.0");
  CHECK(renamed("add timm", "timm.layers.0") == "timm.layers.0");
  CHECK(renamed("add language below model", "model.layers.0") == "model.language.layers.0");
  CHECK(renamed("add language below model", "model.language.x") == "model.language.x");
  CHECK(renamed("add language below model", "lm_head.weight") == "lm_head.weight");
}

TEST_CASE("a scope hides its prefix from the rule, with the base's or without") {
  const NameRule scoped = rule("^encoder -> e", Scope{"model", "vision"});
  CHECK(renamed(scoped, "model.vision.encoder.x") == "model.vision.e.x");
  CHECK(renamed(scoped, "vision.encoder.x") == "vision.e.x");
  CHECK(renamed(scoped, "encoder.x") == "encoder.x");
  CHECK(renamed(scoped, "visionary.encoder.x") == "visionary.encoder.x");
  const NameRule base = rule("^encoder -> e", Scope{"model", ""});
  CHECK(renamed(base, "model.encoder.x") == "model.e.x");
  CHECK(renamed(base, "encoder.x") == "e.x");
  const NameRule no_base = rule("^encoder -> e", Scope{"", "vision"});
  CHECK(renamed(no_base, "vision.encoder.x") == "vision.e.x");
}

TEST_CASE("a group sleeps until its first pattern was seen") {
  const NameRule group =
      rule("group b\\.(\\d+)\\.norm0 b\\.(\\d+)\\.norm1 -> b.\\1.norm1 b.\\1.norm2");
  RuleProgress progress;
  const auto apply = [&](const std::string& name) {
    const auto result = group.apply(name, progress);
    REQUIRE(result.has_value());
    return *result ? (*result)->name : "untouched";
  };
  CHECK(apply("b.0.norm1") == "untouched");
  CHECK(apply("b.0.norm0") == "b.0.norm1");
  CHECK(apply("b.0.norm1") == "b.0.norm2");
  CHECK(apply("b.7.norm1") == "b.7.norm2");
}

TEST_CASE("a shift moves the number by its offset") {
  CHECK(renamed("shift +1 queries\\.(\\d+) -> layers.\\1.query", "queries.9") == "layers.10.query");
  CHECK(renamed("shift -1 queries\\.(\\d+) -> layers.\\1.query", "queries.9") == "layers.8.query");
  const std::string huge = "queries." + std::string(30, '9');
  CHECK(renamed("shift +1 queries\\.(\\d+) -> layers.\\1.query", huge) == huge);
}

TEST_CASE("the number in a list is the last part that is one, or ends the last part") {
  const auto number = [](const char* text, const char* name) {
    RuleProgress progress;
    const auto result = rule(text).apply(name, progress);
    REQUIRE((result.has_value() && result->has_value()));
    return (*result)->number;
  };
  CHECK(number("experts.*.w1 -> e by merge_modulelist(dim=0)", "layers.4.experts.31.w1") == 31u);
  CHECK(number("shard_*.weight -> w by concatenate(dim=0)", "x.shard_12.weight") == 12u);
  CHECK_FALSE(number("experts.*.w -> e by merge_modulelist(dim=0)", "experts.all.w").has_value());
  CHECK_FALSE(number("w1 -> e by chunk(dim=0)", "experts.3.w1").has_value());
}

TEST_CASE("a rule whose pattern does not compile is an error") {
  for (const char* text :
       {"( -> a", "a ) -> b", "add (", "(?<g0>a) -> b", "( a) -> b", "(?<=a*)b -> c"}) {
    INFO(text);
    const Expected<Rule> parsed = parse_rule(text);
    REQUIRE(parsed.has_value());
    const Expected<NameRule> compiled = NameRule::compile(*parsed);
    REQUIRE_FALSE(compiled.has_value());
    CHECK(compiled.error().code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a pattern that takes too much work is an error and not a hang") {
  RuleProgress progress;
  const auto result = rule("^(a+)+$ -> b").apply(std::string(60, 'a') + "!", progress);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code() == ErrorCode::invalid_argument);
}
