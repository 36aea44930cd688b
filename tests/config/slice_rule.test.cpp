#include "config/slice_rule.hpp"

#include <utility>

#include "catch.hpp"

using plimsoll::ErrorCode;
using namespace plimsoll::config;

TEST_CASE("a rank is read with the count of ranks and reads back from its text") {
  for (const ParallelRank rank : {ParallelRank{0, 1}, {0, 4}, {3, 4}, {65'535, 65'536}}) {
    const auto parsed = parse_parallel(parallel_text(rank));
    REQUIRE(parsed.has_value());
    CHECK(*parsed == rank);
  }
  CHECK(parallel_text({3, 8}) == "3/8");
}

TEST_CASE("what is no rank of a count is refused") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "RANK/COUNT"},
      {"4", "RANK/COUNT"},
      {"/4", "RANK/COUNT"},
      {"0/", "RANK/COUNT"},
      {"0/4/2", "RANK/COUNT"},
      {"-1/4", "RANK/COUNT"},
      {" 0/4", "RANK/COUNT"},
      {"0/4294967297", "RANK/COUNT"},
      {"4/4", "no rank 4 of 4"},
      {"0/0", "out of range (1 to 65536)"},
      {"0/65537", "out of range (1 to 65536)"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    const auto rank = parse_parallel(text);
    REQUIRE_FALSE(rank.has_value());
    CHECK(rank.error().code() == ErrorCode::invalid_argument);
    CHECK(rank.error().reason().find(reason) != std::string::npos);
  }
}

TEST_CASE("a slice is a pattern and a way to divide, which reads back from its text") {
  const auto rule = parse_slice("  \\.o_proj\\. ->  Rows ");
  REQUIRE(rule.has_value());
  CHECK(*rule == SliceRule{"\\.o_proj\\.", SliceKind::rows});
  CHECK(slice_text(*rule) == "\\.o_proj\\. -> rows");
  CHECK(slice_kinds().size() == 4);
  for (std::size_t i = 0; i < slice_kinds().size(); ++i) {
    const SliceRule any{"a->b", static_cast<SliceKind>(i)};
    CHECK(*parse_slice(slice_text(any)) == any);
  }
}

TEST_CASE("a slice without an arrow, a pattern or a known way is refused") {
  const std::pair<const char*, const char*> cases[] = {
      {"o_proj rows", "REGEX -> columns, rows, experts or whole"},
      {"-> rows", "has no pattern"},
      {"( -> rows", "position"},
      {"o_proj ->", "unknown slice \"\""},
      {"o_proj -> row", "did you mean \"rows\"?"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    const auto rule = parse_slice(text);
    REQUIRE_FALSE(rule.has_value());
    CHECK(rule.error().code() == ErrorCode::invalid_argument);
    CHECK(rule.error().reason().find(reason) != std::string::npos);
  }
}
