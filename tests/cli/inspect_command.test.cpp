#include <filesystem>
#include <fstream>
#include <string>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

TEST_CASE("inspect --json says where every tensor's bytes are") {
  const TinyCheckpoint tiny;
  const json result = run_command({"inspect", tiny.source(), "--json"}).json();
  CHECK(result["format"] == "safetensors");
  CHECK(result["metadata"] == json({{"format", "pt"}}));
  CHECK(result["files"] == json::array({"model.safetensors"}));
  CHECK(result["directory"] == tiny.source());
  REQUIRE(result["tensors"].size() == 21);
  const json& last = result["tensors"].back();
  CHECK(last["name"] == "model.norm.weight");
  CHECK(last["dtype"] == "BF16");
  CHECK(last["shape"] == json::array({256}));
  CHECK(last["file"] == "model.safetensors");
  CHECK(last["bytes"] == 512);
  CHECK(last["offset"].get<std::uint64_t>() + 512 ==
        std::filesystem::file_size(tiny.source() + "/model.safetensors"));
}

TEST_CASE("inspect names the shards of an index as the index does") {
  const TinyCheckpoint tiny;
  const std::string out = tiny.path("shards");
  REQUIRE(run_command({"synth", "tiny", out, "--shard-size", "2MB"}).code == 0);
  const json index = json::parse(std::ifstream(out + "/model.safetensors.index.json"));
  const json result = run_command({"inspect", out, "--json"}).json();
  REQUIRE(result["tensors"].size() == 21);
  for (const json& tensor : result["tensors"]) {
    CHECK(tensor["file"] == index["weight_map"][tensor["name"].get<std::string>()]);
  }
}

TEST_CASE("inspect's text shows tensors and totals, with names escaped") {
  const TinyCheckpoint tiny;
  const std::string header =
      R"({"a\u001b\n":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},"__metadata__":{"k\t":"v\u0007"}})";
  const std::string length = {static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  const std::string file = tiny.write("x.safetensors", length + header + std::string(16, '\0'));
  const CommandEnd end = run_command({"inspect", file});
  INFO(end.err);
  REQUIRE(end.code == 0);
  CHECK(end.out.find("a\\x1b\\x0a  F32    [2]") != std::string::npos);
  CHECK(end.out.find("k\\x09     v\\x07") != std::string::npos);
  CHECK(end.out.find("\nall          2         3  16 B\n") != std::string::npos);
  CHECK(end.out.find('\x1b') == std::string::npos);
  const json result = run_command({"inspect", file, "--json"}).json();
  CHECK(result["tensors"][0]["name"] == "a\x1b\n");
}
