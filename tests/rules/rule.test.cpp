#include "rules/rule.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::rules;

namespace {

Rule parsed(const char* text) {
  Expected<Rule> rule = parse_rule(text);
  INFO(text);
  REQUIRE(rule.has_value());
  return std::move(*rule);
}

}  // namespace

TEST_CASE("each kind of rule has its written form") {
  CHECK(parsed("a -> b") == Rule(Rename{{"a"}, "b", {}}));
  CHECK(parsed("a b -> c back d") == Rule(Rename{{"a", "b"}, "c", {"d"}}));
  CHECK(parsed("add x") == Rule(PrefixChange{true, "x", ""}));
  CHECK(parsed("remove x below y.z") == Rule(PrefixChange{false, "x", "y.z"}));
  CHECK(parsed("group a b -> c d") == Rule(GroupRename{{"a", "b"}, {"c", "d"}}));
  CHECK(parsed("shift -3 a(\\d) -> b\\1") == Rule(IndexRename{-3, "a(\\d)", "b\\1"}));
  CHECK(parsed("a b -> c by merge_modulelist(dim=0) concatenate(dim=1)") ==
        Rule(Convert{{"a", "b"}, {"c"}, {MergeModulelist{0}, Concatenate{1, ""}}, {}}));
  CHECK(parsed("a\n  b\n-> c\tby split() back d e") ==
        Rule(Convert{{"a", "b"}, {"c"}, {Split{0}}, {"d", "e"}}));
}

TEST_CASE("each operation reads back from its written form and inverts to one that inverts back") {
  const std::vector<Operation> operations = {
      MergeModulelist{2},
      SplitModulelist{1},
      Concatenate{1, ""},
      Concatenate{0, "split_ngram_parts"},
      Chunk{0, "parts_of_it"},
      Transpose{1, 2, true},
      Transpose{0, 1, false},
      Interleave{1, false},
      Interleave{0, true},
      PermuteForRope{},
      PermuteForRope{"vision_config", {"q_proj", "k_proj"}, true},
      ErnieFuseAndSplit{0, 1},
      ErnieSplitAndDecouple{1, 0},
      Conv3dToLinear{3, {2, 14, 14}},
      LinearToConv3d{3, {2, 14, 14}}};
  for (const Operation& operation : operations) {
    INFO(text_of(operation));
    const Expected<Operation> read = parse_operation(text_of(operation));
    REQUIRE(read.has_value());
    CHECK(*read == operation);
    CHECK(inverse_of(inverse_of(operation)) == operation);
  }
  CHECK(inverse_of(Split{1}) == Operation(Concatenate{1, ""}));
  CHECK(inverse_of(MergeModulelist{0}) == Operation(SplitModulelist{0}));
  CHECK(inverse_of(Transpose{0, 2, true}) == Operation(Transpose{2, 0, true}));
}

TEST_CASE("a rule that makes no sense is refused with a reason") {
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"", "empty"},
      {"  \n ", "empty"},
      {"a b", "FROM -> TO"},
      {"-> b", "before the arrow"},
      {"a ->", "after the arrow"},
      {"a -> b c", "one name"},
      {"a -> b -> c", "one arrow"},
      {"a -> b by", "after \"by\""},
      {"a -> b back", "after \"back\""},
      {"add", "add PREFIX"},
      {"add a b", "add PREFIX"},
      {"remove a below", "remove PREFIX"},
      {"remove a above b", "remove PREFIX"},
      {"group a b -> c", "as many names"},
      {"group a -> b by chunk(dim=0)", "only renames"},
      {"shift a -> b", "shift +1"},
      {"shift 99999999999999999999 a -> b", "shift +1"},
      {"shift 1 a b -> c", "one pattern"},
      {"a b -> c d by chunk(dim=0)", "not both"},
      {"a -> b by chunk", "name(parameters)"},
      {"a -> b by crunch(dim=0)", "no operation crunch"},
      {"a -> b by chunk(dim=64)", "dim"},
      {"a -> b by chunk(dim=-1)", "dim"},
      {"a -> b by chunk(dim=0,dim=1)", "dim"},
      {"a -> b by chunk(axis=0)", "axis"},
      {"a -> b by chunk(dim)", "dim"},
      {"a -> b by interleave(inverse=yes)", "inverse"},
      {"a -> b by permute_for_rope(only=q++k)", "only"},
      {"a -> b by conv3d_to_linear(in_channels=3,kernel=2x14)", "kernel"},
      {"a -> b by conv3d_to_linear(in_channels=3,kernel=2x14xb)", "kernel"},
  };
  for (const auto& [text, reason] : refused) {
    INFO(text);
    const Expected<Rule> rule = parse_rule(text);
    REQUIRE_FALSE(rule.has_value());
    CHECK(rule.error().code() == ErrorCode::invalid_config);
    INFO(rule.error().reason());
    CHECK(rule.error().reason().find(reason) != std::string::npos);
  }
}
