#include "io/shard_index.hpp"

#include <string>

#include "catch.hpp"
#include "io/safetensors.hpp"
#include "mentions.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::io;

namespace {

Expected<ShardIndex> parse(std::string text) {
  const std::size_t length = text.size();
  text.append(json_padding, '\xff');
  return parse_shard_index({text.data(), length}, "i");
}

std::string weight_map(const std::string& members) {
  return R"({"metadata":{"total_size":4},"weight_map":{)" + members + "}}";
}

}  // namespace

TEST_CASE("an index gives every tensor its shard, shards sorted") {
  const auto index = parse(weight_map(R"("x":"b","y":"a","z":"b","w":"sub/c")"));
  REQUIRE(index);
  CHECK(index->shards == std::vector<std::string>{"a", "b", "sub/c"});
  REQUIRE(index->tensors.size() == 4);
  CHECK(index->tensors[0].name == "x");
  CHECK(index->tensors[0].shard == 1);
  CHECK(index->tensors[1].shard == 0);
  CHECK(index->tensors[2].shard == 1);
  CHECK(index->tensors[3].shard == 2);
}

TEST_CASE("a shard name that could leave the directory is refused") {
  for (const char* name : {"", "/etc/passwd", "../a", "a/../../b", "a/..", "..", ".", "./a", "a//b",
                           "a/", "a\\u0000b"}) {
    const auto index = parse(weight_map(R"("x":")" + std::string(name) + '"'));
    INFO(name);
    REQUIRE_FALSE(index);
    CHECK(index.error().code() == ErrorCode::malformed);
    CHECK_MENTIONS(index.error().reason(), "no plain path inside the checkpoint");
    CHECK(index.error().tensor() == "x");
  }
  CHECK(parse(weight_map(R"("x":"..a","y":"a..b/...")")));
}

TEST_CASE("a malformed index is refused with its reason") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "does not begin with '{'"},
      {"{", "not valid JSON"},
      {"{}", "weight_map is missing"},
      {R"({"weight_map":[]})", "weight_map is not an object"},
      {R"({"weight_map":{}})", "weight_map is empty"},
      {R"({"weight_map":{"x":"a"},"weight_map":{"x":"a"}})", "weight_map occurs twice"},
      {weight_map(R"("x":1)"), "not a string"},
      {weight_map(R"("x":"a","y":"a","x":"a")"), "the name occurs twice"},
      {weight_map("\"x\":\"\xff\""), "not valid UTF-8"},
      {"{\"a\":" + std::string(500, '[') + std::string(500, ']') + "}", "nests too deeply"},
  };
  for (const auto& [text, reason] : table) {
    const auto index = parse(text);
    INFO(text.substr(0, 200));
    REQUIRE_FALSE(index);
    CHECK(index.error().code() == ErrorCode::malformed);
    CHECK_MENTIONS(index.error().reason(), reason);
    CHECK(index.error().file() == "i");
  }
}
