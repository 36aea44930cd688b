#include "rules/rule_sieve.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace plimsoll::rules;

namespace {

NameRule compiled(const char* text, const std::optional<Scope>& scope = {}) {
  return NameRule::compile(parse_rule(text).value(), scope).value();
}

}  // namespace

TEST_CASE("a name's numbers are its parts that are all digits") {
  std::string out;
  for (const auto& [name, wanted] : std::vector<std::pair<const char*, const char*>>{
           {"layers.12.w1.weight", "layers.0.w1.weight"},
           {"12.a.7", "0.a.0"},
           {"a..5.", "a..0."},
           {"", ""},
           {"norm10", "norm10"}}) {
    without_numbers(name, out);
    CHECK(out == wanted);
  }
}

TEST_CASE("a text is free of numbers if none of its parts could be one") {
  for (const char* text : {"", "w1", "fc1.weight", "layers.", ".attn.", "1a.b2"}) {
    INFO(text);
    CHECK(RequiredText{text, false}.is_free_of_numbers());
  }
  for (const char* text : {"layers.0.", "1", "1.weight", "a.12"}) {
    INFO(text);
    CHECK_FALSE(RequiredText{text, false}.is_free_of_numbers());
  }
}

TEST_CASE("every rule that applies to a name is among its candidates, and few others") {
  std::vector<NameRule> rules;
  rules.push_back(compiled("attn -> self_attn"));
  rules.push_back(compiled("layers\\.0\\. -> first."));
  rules.push_back(compiled("w1.weight -> gate.weight"));
  rules.push_back(compiled("1.weight -> one.weight"));
  rules.push_back(compiled("mlp -> ffn", Scope{"model", "text"}));
  rules.push_back(compiled("(a|b)c -> d"));
  RuleSieve sieve;
  for (const NameRule& rule : rules) sieve.add(rule);
  const std::string names[] = {"layers.0.attn.w1.weight",
                               "layers.7.attn.w1.weight",
                               "layers.3.mlp",
                               "text.layers.3.mlp",
                               "model.text.mlp",
                               "x.1.weight",
                               "x.2.weight",
                               "bc",
                               ""};
  for (int round = 0; round < 2; ++round) {
    for (const std::string& name : names) {
      const std::span<const std::uint32_t> candidates = sieve.candidates(name);
      for (std::uint32_t i = 0; i < rules.size(); ++i) {
        INFO(name << ", rule " << i);
        RuleProgress progress;
        const bool applies = rules[i].apply(name, progress).value().has_value();
        const bool candidate =
            std::find(candidates.begin(), candidates.end(), i) != candidates.end();
        CHECK((candidate || !applies));
      }
    }
  }
  const std::span<const std::uint32_t> plain = sieve.candidates("norm.weight");
  CHECK(std::vector<std::uint32_t>(plain.begin(), plain.end()) ==
        std::vector<std::uint32_t>{1, 2, 3});
}
