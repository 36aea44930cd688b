#include "rules/inverse_rule.hpp"

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "rules/name_rule.hpp"
#include "rules/rule_set.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::rules;

TEST_CASE("a rule leads back to names that read like its patterns") {
  const std::vector<std::pair<const char*, const char*>> pairs = {
      {"\\.attn\\. -> .self_attn.", ".self_attn. -> .attn."},
      {"^visual -> model.visual", "^model.visual -> visual"},
      {"a\\.b -> c back \\.c", "\\.c -> a.b"},
      {"l.(\\d+).fc1 -> l.\\1.mlp.fc1", "l.(\\d+).mlp.fc1 -> l.\\1.fc1"},
      {"\\.moe\\.(gate|experts)\\. -> .mlp.\\1. back \\.mlp\\.\\1\\.",
       "\\.mlp\\.(gate|experts)\\. -> .moe.\\1."},
      {"(?<!decoder\\.)(?<!text\\.)norm\\. -> text.norm.", "text.norm. -> norm."},
      {"^model(?!\\.(language|vit)) -> model.language", "^model.language -> model"},
      {"add x below y", "remove x below y"},
      {"remove x", "add x"},
      {"shift +1 q\\.(\\d+) -> l.\\1.q", "shift -1 l.(\\d+).q -> q.\\1"},
      {"group b.(\\d+).n0 b.(\\d+).n1 -> b.\\1.n1 b.\\1.n2",
       "group b.(\\d+).n1 b.(\\d+).n2 -> b.\\1.n0 b.\\1.n1"},
      {"e.*.g e.*.u -> e.gu by merge_modulelist(dim=0) concatenate(dim=1)",
       "e.gu -> e.*.g e.*.u by chunk(dim=1) split_modulelist(dim=0)"},
      {"qkv -> q k v by chunk(dim=0) permute_for_rope(only=q+k)",
       "q k v -> qkv by permute_for_rope(only=q+k,inverse) concatenate(dim=0)"},
  };
  for (const auto& [there, back] : pairs) {
    INFO(there);
    const Expected<Rule> inverse = inverse_of(parse_rule(there).value());
    REQUIRE(inverse.has_value());
    CHECK(text_of(*inverse) == text_of(parse_rule(back).value()));
  }
}

TEST_CASE("a rule that forgets what it needs on the way back has no inverse") {
  for (const char* text : {"a -> b\\1", "(a)x (b)y -> \\1", "group (a)x (b)y -> c\\1 d\\1"}) {
    INFO(text);
    const Expected<Rule> inverse = inverse_of(parse_rule(text).value());
    REQUIRE_FALSE(inverse.has_value());
    CHECK(inverse.error().code() == ErrorCode::unsupported);
  }
}

TEST_CASE("every shipped rule has an inverse, and its patterns compile") {
  const RuleSet set = RuleSet::shipped().value();
  for (const auto& [key, rules] : set.lists()) {
    for (const Rule& rule : rules) {
      INFO(key << ": " << text_of(rule));
      const Expected<Rule> inverse = inverse_of(rule);
      REQUIRE(inverse.has_value());
      CHECK(NameRule::compile(*inverse).has_value());
    }
  }
}
