#include "rules/name_mapping.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rules/known_names.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::rules;

namespace {

using Names = std::vector<std::string>;
using Kind = NameProblem::Kind;

/// Rules of one list, "r", and the facts of one class.
NameRules compiled(const std::string& list, Architecture facts = {}) {
  RuleSet set;
  const Expected<void> added = set.add_text("[rules.r]\nlist = [" + list + "]\n", "test.toml");
  INFO((added ? std::string() : std::string(added.error().what())));
  REQUIRE(added.has_value());
  if (facts.lists.empty()) facts.lists = {{"r", std::nullopt}};
  Expected<NameRules> rules = NameRules::compile(set, facts);
  REQUIRE(rules.has_value());
  return std::move(*rules);
}

NameMapping mapped(const NameRules& rules, const Names& names) {
  Expected<NameMapping> mapping = rules.map(names, std::nullopt);
  REQUIRE(mapping.has_value());
  return std::move(*mapping);
}

NameMapping mapped(const NameRules& rules, const Names& names, const Names& model) {
  Expected<NameMapping> mapping = rules.map(names, std::span<const std::string>(model));
  REQUIRE(mapping.has_value());
  return std::move(*mapping);
}

Names targets(const NameMapping& mapping) {
  Names out;
  for (const Product& product : mapping.products) {
    out.insert(out.end(), product.targets.begin(), product.targets.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

const char* const experts = "'e.*.g e.*.u -> e.gu by merge_modulelist(dim=0) concatenate(dim=1)'";

}  // namespace

TEST_CASE("renames chain: each sees the name that the one before made") {
  CHECK(targets(mapped(compiled("'a -> b', 'b -> c', 'x -> y'"), {"a", "b", "d"})) ==
        Names{"c", "d"});
  CHECK(targets(mapped(compiled("'b -> c', 'a -> b'"), {"a"})) == Names{"b"});
}

TEST_CASE("conversions come after all renames, and the first that matches claims the name") {
  const NameRules rules =
      compiled("'a.b -> first by transpose()', 'a -> second by transpose()', 'x -> a'");
  const NameMapping mapping = mapped(rules, {"x.b", "x.c"});
  CHECK(targets(mapping) == Names{"first", "second.c"});
  REQUIRE(mapping.products[0].conversion.has_value());
  CHECK(rules.conversion(*mapping.products[0].conversion).to == Names{"first"});
}

TEST_CASE("of two conversions with one pattern the operations of the last run") {
  const NameRules rules = compiled("'a -> b by transpose()', 'a -> c by chunk(dim=3)'");
  const NameMapping mapping = mapped(rules, {"a"});
  REQUIRE(mapping.products.size() == 1);
  CHECK(mapping.products[0].conversion == 1u);
}

TEST_CASE("tensors of a list come in the order of their numbers, pattern by pattern") {
  const Names names = {"e.10.u", "e.2.g", "e.0.u", "e.10.g", "e.1.g", "e.1.u", "e.2.u", "e.0.g",
                       "e.9.g",  "e.3.g", "e.3.u", "e.9.u",  "e.4.g", "e.4.u", "e.5.g", "e.5.u",
                       "e.6.g",  "e.6.u", "e.7.g", "e.7.u",  "e.8.g", "e.8.u"};
  const NameMapping mapping = mapped(compiled(experts), names);
  REQUIRE(mapping.products.size() == 1);
  CHECK(mapping.problems.empty());
  REQUIRE(mapping.products[0].sources.size() == 2);
  for (std::size_t list = 0; list < 2; ++list) {
    Names sources;
    for (std::uint32_t source : mapping.products[0].sources[list]) sources.push_back(names[source]);
    Names expected;
    for (int i = 0; i <= 10; ++i) {
      expected.push_back("e." + std::to_string(i) + (list == 0 ? ".g" : ".u"));
    }
    CHECK(sources == expected);
  }
}

TEST_CASE("the other targets of a conversion are named like the first") {
  const NameRules rules = compiled("'attn.qkv -> attn.q attn.k attn.v by chunk(dim=0)'");
  const NameMapping mapping = mapped(rules, {"l.0.attn.qkv.weight", "l.0.attn.qkv.bias"});
  REQUIRE(mapping.products.size() == 2);
  CHECK(mapping.products[0].targets ==
        Names{"l.0.attn.q.bias", "l.0.attn.k.bias", "l.0.attn.v.bias"});
}

TEST_CASE("the base prefix is put on or taken off where that makes a name of the model") {
  const NameRules rules = compiled("'a -> b'");
  const NameMapping mapping = mapped(rules, {"layers.0", "model.norm", "model.both", "head"},
                                     {"model.layers.0", "norm", "both", "model.both", "head"});
  CHECK(targets(mapping) == Names{"both", "head", "model.layers.0", "norm"});
  CHECK(mapping.missing == Names{"model.both"});
}

TEST_CASE("a name that is the model's already is taken as it is if the rules lead nowhere") {
  const NameRules rules = compiled("'^norm -> other.norm', 'gu -> x y by chunk(dim=0)'");
  const NameMapping mapping =
      mapped(rules, {"norm.w", "gu", "n.gu"}, {"norm.w", "model.gu", "n.x", "n.y"});
  // "gu" is no name of the model, "model.gu" is: only a name that is one counts.
  CHECK(targets(mapping) == Names{"n.x", "n.y", "norm.w"});
  CHECK(mapping.missing == Names{"model.gu"});
  CHECK(mapping.unexpected == std::vector<UnexpectedName>{{"x", 1}, {"y", 1}});
}

TEST_CASE("unexpected and missing names are told, but for those to be ignored and tied ones") {
  Architecture facts;
  facts.ignore_unexpected = {"inv_freq"};
  facts.ignore_missing = {"mask$"};
  facts.tied = {{"head", "embed"}};
  const NameMapping mapping =
      mapped(compiled("'a -> b'", facts), {"rope.inv_freq", "a", "embed", "q"},
             {"embed", "head", "q", "mask", "lost"});
  CHECK(mapping.unexpected == std::vector<UnexpectedName>{{"b", 1}});
  CHECK(mapping.ignored == std::vector<std::uint32_t>{0});
  CHECK(mapping.missing == Names{"lost"});
  CHECK(mapping.tied == std::vector<std::pair<std::string, std::string>>{{"head", "embed"}});
  CHECK(mapping.open.empty());
}

TEST_CASE("a checkpoint that stores only the tied one of a pair has the pair") {
  Architecture facts;
  facts.tied = {{"head", "embed"}};
  const NameMapping mapping = mapped(compiled("'a -> b'", facts), {"head"}, {"embed", "head"});
  CHECK(mapping.missing.empty());
  CHECK(mapping.tied == std::vector<std::pair<std::string, std::string>>{{"embed", "head"}});
  CHECK(mapped(compiled("'a -> b'", facts), {"head", "embed"}).tied.empty());
}

TEST_CASE("a head that only config.json calls tied shares the model's embeddings") {
  Architecture facts;
  facts.tied_head = true;
  const NameRules rules = compiled("'a -> b'", facts);
  const std::vector<std::pair<std::string, std::string>> tied = {
      {"lm_head.weight", "model.embed_tokens.weight"}};
  const Names names = {"model.embed_tokens.weight", "model.norm.weight"};
  CHECK(mapped(rules, names).tied == tied);
  const NameMapping listed =
      mapped(rules, names, {"lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"});
  CHECK(listed.tied == tied);
  CHECK(listed.missing.empty());
  CHECK(mapped(rules, {"lm_head.weight", "model.embed_tokens.weight"}).tied.empty());
}

TEST_CASE("without the model's names the report says which checks are open") {
  Architecture facts;
  facts.tied_count = 7;
  const NameMapping mapping = mapped(compiled("'a -> b'", facts), {"a"});
  CHECK(mapping.open == std::vector<OpenCheck>{OpenCheck::tied, OpenCheck::missing,
                                               OpenCheck::unexpected, OpenCheck::base_prefix,
                                               OpenCheck::converted_names});
  for (OpenCheck check : mapping.open) CHECK_FALSE(text_of(check).empty());
}

TEST_CASE("without the model's names, tensors that look of no use are kept and marked") {
  Architecture facts;
  facts.ignore_unexpected = {"attn.bias"};
  const NameMapping mapping = mapped(compiled("'a -> b'", facts), {"h.c_attn.bias", "h.norm"});
  REQUIRE(mapping.products.size() == 2);
  CHECK(mapping.products[0].perhaps_unused);
  CHECK_FALSE(mapping.products[1].perhaps_unused);
  CHECK(mapping.ignored.empty());
}

TEST_CASE("without the model's names, known ones tell whether the base prefix is wanted") {
  Architecture gpt;
  gpt.base = "transformer";
  gpt.model_type = "gpt2";
  gpt.tied = {{"lm_head.weight", "transformer.wte.weight"}};
  const NameRules headed = compiled("'a -> b'", gpt);
  CHECK(targets(mapped(headed, {"h.0.w", "score.weight", "wte.weight"})) ==
        Names{"score.weight", "transformer.h.0.w", "transformer.wte.weight"});
  CHECK(targets(mapped(headed, {"transformer.wte.weight", "x"})) ==
        Names{"transformer.wte.weight", "x"});
  CHECK(targets(mapped(headed, {"h.0.w"})) == Names{"h.0.w"});

  Architecture trunk;
  trunk.fp32 = {"layers.*.gate.bias"};
  const NameRules base = compiled("'a -> b'", trunk);
  CHECK(targets(mapped(base, {"lm_head.weight", "model.layers.3.gate.bias", "model.norm"})) ==
        Names{"layers.3.gate.bias", "lm_head.weight", "norm"});
  CHECK(targets(mapped(base, {"layers.3.gate.bias", "model.norm"})) ==
        Names{"layers.3.gate.bias", "model.norm"});
}

TEST_CASE("without the model's names, a known name is not renamed") {
  Architecture facts;
  facts.fp32 = {"model.norm.weight"};
  const NameRules rules = compiled("'\\.norm\\. -> .kv_norm.'", facts);
  CHECK(targets(mapped(rules, {"model.norm.weight", "model.l.norm.weight"})) ==
        Names{"model.l.kv_norm.weight", "model.norm.weight"});
}

TEST_CASE("what stays in full precision is told by name") {
  Architecture facts;
  facts.fp32 = {"layers.*.gate.bias"};
  facts.fp32_if_fp16 = {"wo"};
  const NameMapping mapping = mapped(compiled("'a -> b'", facts),
                                     {"layers.12.gate.bias", "layers.x.gate.bias", "t.wo.weight"});
  REQUIRE(mapping.products.size() == 3);
  CHECK(mapping.products[0].fp32);
  CHECK_FALSE(mapping.products[1].fp32);
  CHECK_FALSE(mapping.products[2].fp32);
  CHECK(mapping.products[2].fp32_if_fp16);
  CHECK_FALSE(mapping.products[0].fp32_if_fp16);
}

TEST_CASE("gaps, duplicates and missing partners of experts are problems") {
  struct Example {
    Names names;
    std::vector<Kind> kinds;
    const char* reason;
  };
  const std::vector<Example> examples = {
      {{"e.0.g", "e.0.u", "e.1.g", "e.1.u"}, {}, ""},
      {{"e.0.g", "e.0.u", "e.2.g", "e.2.u"}, {Kind::gap, Kind::gap}, "number 1 of e.*.g"},
      {{"e.1.g", "e.1.u"}, {Kind::gap, Kind::gap}, "number 0 of e.*.g"},
      {{"e.0.g", "e.0.u", "e.99999999999999999999.g", "e.99999999999999999999.u"},
       {Kind::gap, Kind::gap},
       "number 1 of e.*.g"},
      {{"e.0.g", "e.0.u", "e.1.g"}, {Kind::incomplete}, "number 1 of e.*.u"},
      {{"e.0.u", "e.1.g", "e.1.u"}, {Kind::incomplete}, "number 0 of e.*.g"},
      {{"e.0.g", "e.1.g"}, {Kind::incomplete}, "no tensor that matches e.*.u"},
      {{"e.0.g", "e.00.g", "e.0.u"}, {Kind::duplicate}, "e.00.g"},
      {{"e.0.g", "e.0.g", "e.0.u"}, {Kind::duplicate}, "e.0.g"},
      {{"e.18446744073709551615.g", "e.18446744073709551615.u"},
       {Kind::gap, Kind::gap},
       "number 0"},
  };
  const NameRules rules = compiled(experts);
  for (const Example& example : examples) {
    const NameMapping mapping = mapped(rules, example.names);
    std::vector<Kind> kinds;
    for (const NameProblem& problem : mapping.problems) {
      kinds.push_back(problem.kind);
      CHECK(problem.target == "e.gu");
    }
    INFO(example.names[0] << " and " << example.names.size() - 1 << " more: " << example.reason);
    CHECK(kinds == example.kinds);
    if (kinds.empty()) continue;
    CHECK(mapping.problems[0].reason.find(example.reason) != std::string::npos);
  }
}

TEST_CASE("two tensors for one place are a problem, and the first one stays") {
  const NameMapping renamed = mapped(compiled("'a -> c', 'b -> c'"), {"b", "a"});
  REQUIRE(renamed.products.size() == 1);
  CHECK(renamed.products[0].sources == std::vector<std::vector<std::uint32_t>>{{1}});
  CHECK(renamed.problems ==
        std::vector<NameProblem>{{Kind::duplicate, "c", "b and a both become this tensor"}});

  const NameMapping mixed = mapped(compiled(experts), {"e.0.g", "e.0.u", "e.gu"});
  CHECK(mixed.problems.size() == 1);
  CHECK(mixed.problems[0].kind == Kind::duplicate);

  const NameMapping split = mapped(compiled("'qkv -> q k by chunk(dim=0)'"), {"a.k.w", "a.qkv.w"});
  REQUIRE(split.problems.size() == 1);
  CHECK(split.problems[0].target == "a.k.w");

  const NameMapping parts = mapped(compiled("'q k -> qk by concatenate(dim=0)'"), {"q", "k", "q"});
  REQUIRE(parts.problems.size() == 1);
  CHECK(parts.problems[0].kind == Kind::duplicate);
}

TEST_CASE("scales of a claimed weight are not claimed with it") {
  const NameRules rules =
      compiled("'experts.*.w1.weight -> experts.up by merge_modulelist(dim=0)'");
  CHECK(targets(mapped(rules, {"experts.0.w1.weight", "experts.0.w1.weight_scale_inv"})) ==
        Names{"experts.0.w1.weight_scale_inv", "experts.up"});
}

TEST_CASE("the list for every model comes last") {
  RuleSet set = RuleSet::shipped().value();
  Expected<NameRules> rules = NameRules::compile(set, Architecture{});
  REQUIRE(rules.has_value());
  CHECK(targets(mapped(*rules, {"model.language_model.model.x", "x.LayerNorm.beta",
                                "x.LayerNorm.gamma", "x.weight_g", "x.weight_v"})) ==
        Names{"model.language_model.x", "x.LayerNorm.bias", "x.LayerNorm.weight",
              "x.parametrizations.weight.original0", "x.parametrizations.weight.original1"});
}

TEST_CASE("a class that asks for unknown rules, or a pattern that hangs, is an error") {
  Architecture facts;
  facts.lists = {{"none", std::nullopt}};
  const Expected<NameRules> unknown = NameRules::compile(RuleSet(), facts);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code() == ErrorCode::not_found);
  const NameRules slow = compiled("'^(a+)+$ -> b'");
  const Expected<NameMapping> mapping = slow.map(Names{std::string(60, 'a') + "!"}, std::nullopt);
  REQUIRE_FALSE(mapping.has_value());
  CHECK(mapping.error().code() == ErrorCode::invalid_argument);
}

TEST_CASE("no names map to nothing") {
  const NameMapping mapping = mapped(compiled(experts), {});
  CHECK(mapping.products.empty());
  CHECK(mapped(compiled(experts), {}, {"a"}).missing == Names{"a"});
}
