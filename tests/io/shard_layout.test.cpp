#include "io/shard_layout.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "catch.hpp"

using namespace plimsoll::io;
using plimsoll::Dtype;

namespace {

std::string golden(const std::string& name) {
  std::ifstream in(std::string(PLIMSOLL_GOLDEN_DIR) + "/io/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

StoredTensor tensor(std::string name, Dtype dtype, std::uint64_t bytes, std::uint32_t group) {
  return {std::move(name), dtype, {bytes * 8 / bits_of(dtype)}, bytes, group};
}

/// The tensors that a header lists, in an order that tells nothing.
std::vector<StoredTensor> shuffled_tensors(const std::string& header) {
  std::vector<StoredTensor> tensors;
  const auto json = nlohmann::json::parse(header.substr(8));
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") continue;
    const auto offsets = entry["data_offsets"];
    tensors.push_back({name, *plimsoll::dtype_of(entry["dtype"].get<std::string>()),
                       entry["shape"].get<Shape>(),
                       offsets[1].get<std::uint64_t>() - offsets[0].get<std::uint64_t>()});
  }
  std::shuffle(tensors.begin(), tensors.end(), std::mt19937(7));
  return tensors;
}

std::vector<std::string> names_of(const ShardLayout& layout,
                                  const std::vector<StoredTensor>& tensors, std::size_t shard) {
  std::vector<std::string> names;
  for (const auto t : layout.shards[shard].tensors) names.push_back(tensors[t].name);
  return names;
}

}  // namespace

TEST_CASE("a checkpoint's header is byte for byte what transformers writes") {
  for (const char* name : {"bnb_nf4.header", "source_bf16.header"}) {
    const std::string expected = golden(name);
    const auto tensors = shuffled_tensors(expected);
    const ShardLayout layout = lay_out_shards(tensors, 5'000'000'000);
    REQUIRE(layout.shards.size() == 1);
    CHECK(layout.shards[0].name == "model.safetensors");
    CHECK(layout.shards[0].header == expected);
    CHECK(layout.index.empty());
  }
}

TEST_CASE("every tensor lies behind the one before it and the file ends with the last") {
  const auto tensors = shuffled_tensors(golden("bnb_nf4.header"));
  const ShardLayout layout = lay_out_shards(tensors, 5'000'000'000);
  std::uint64_t end = layout.shards[0].header.size();
  for (const auto t : layout.shards[0].tensors) {
    CHECK(layout.places[t].shard == 0);
    CHECK(layout.places[t].offset == end);
    end += tensors[t].bytes;
  }
  CHECK(layout.shards[0].bytes == end);
}

TEST_CASE("a shard is closed before the group that would overfill it") {
  const std::vector<StoredTensor> tensors = {
      tensor("a", Dtype::u8, 60, 0), tensor("b", Dtype::u8, 40, 1), tensor("c", Dtype::u8, 1, 2),
      tensor("c.x", Dtype::f32, 96, 2), tensor("d", Dtype::u8, 4, 3)};
  const ShardLayout layout = lay_out_shards(tensors, 100);
  REQUIRE(layout.shards.size() == 3);
  CHECK(names_of(layout, tensors, 0) == std::vector<std::string>{"a", "b"});
  CHECK(names_of(layout, tensors, 1) == std::vector<std::string>{"c.x", "c"});
  CHECK(names_of(layout, tensors, 2) == std::vector<std::string>{"d"});
  CHECK(layout.shards[1].name == "model-00002-of-00003.safetensors");
  CHECK(layout.places[3].shard == 1);
}

TEST_CASE("one group may be larger than a shard, and stands alone") {
  const std::vector<StoredTensor> tensors = {
      tensor("a", Dtype::u8, 5, 0), tensor("b", Dtype::u8, 400, 1), tensor("c", Dtype::u8, 5, 2)};
  CHECK(lay_out_shards(tensors, 100).shards.size() == 3);
  CHECK(lay_out_shards(tensors, 0).shards.size() == 3);
}

TEST_CASE("the index lists every tensor by name and counts the data's bytes") {
  const std::vector<StoredTensor> tensors = {tensor("b.wei\xc3\x9f", Dtype::u8, 8, 0),
                                             tensor("a\"", Dtype::f32, 8, 1)};
  CHECK(lay_out_shards(tensors, 8).index ==
        "{\n"
        "  \"metadata\": {\n"
        "    \"total_size\": 16\n"
        "  },\n"
        "  \"weight_map\": {\n"
        "    \"a\\\"\": \"model-00002-of-00002.safetensors\",\n"
        "    \"b.wei\\u00df\": \"model-00001-of-00002.safetensors\"\n"
        "  }\n"
        "}\n");
}

TEST_CASE("no tensors at all make one valid, empty file") {
  const ShardLayout layout = lay_out_shards({}, 100);
  REQUIRE(layout.shards.size() == 1);
  const std::string& header = layout.shards[0].header;
  CHECK(header.size() % 8 == 0);
  CHECK(layout.shards[0].bytes == header.size());
  CHECK(header.substr(8) == R"({"__metadata__":{"format":"pt"}})");
}

TEST_CASE("a tensor whose size is only bounded lies last, and its header shrinks in place") {
  std::vector<StoredTensor> tensors = {tensor("a.state", Dtype::u8, 1000, 0),
                                       tensor("z", Dtype::boolean, 3, 0),
                                       tensor("b.state", Dtype::u8, 1000, 0)};
  tensors[0].size_is_bound = tensors[2].size_is_bound = true;
  const ShardLayout layout = lay_out_shards(tensors, 1u << 20);
  CHECK(names_of(layout, tensors, 0) == std::vector<std::string>{"z", "a.state", "b.state"});
  const std::uint64_t data = layout.shards[0].header.size();
  CHECK(layout.places[2].offset == data + 1003);
  CHECK(layout.shards[0].bytes == data + 2003);

  const std::vector<std::uint64_t> bounds = {1000, 3, 1000}, lengths = {7, 3, 99};
  CHECK(final_header(layout.shards[0], tensors, bounds) == layout.shards[0].header);
  const std::string header = final_header(layout.shards[0], tensors, lengths);
  REQUIRE(header.size() == layout.shards[0].header.size());
  const auto json = nlohmann::json::parse(header.substr(8));
  CHECK(json["a.state"]["shape"] == nlohmann::json{7});
  CHECK(json["a.state"]["data_offsets"] == nlohmann::json{3, 10});
  CHECK(json["b.state"]["data_offsets"] == nlohmann::json{10, 109});
}

TEST_CASE("the final index counts the lengths that tensors really have") {
  std::vector<StoredTensor> tensors = {tensor("a", Dtype::u8, 100, 0),
                                       tensor("b", Dtype::u8, 50, 1)};
  tensors[0].size_is_bound = true;
  const ShardLayout layout = lay_out_shards(tensors, 10);
  const std::vector<std::uint64_t> lengths = {30, 50};
  const auto index = nlohmann::json::parse(final_index(layout, tensors, lengths));
  CHECK(index["metadata"]["total_size"] == 80);
  CHECK(index["weight_map"] == nlohmann::json::parse(layout.index)["weight_map"]);
}
