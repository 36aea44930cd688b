#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "command_run.hpp"

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// Name to content of everything in a directory.
std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    files[entry.path().filename().string()] = text.str();
  }
  return files;
}

std::set<std::string> names(const std::string& directory) {
  std::set<std::string> out;
  for (const auto& entry : fs::directory_iterator(directory)) {
    out.insert(entry.path().filename().string());
  }
  return out;
}

}  // namespace

TEST_CASE("quantize leaves a checkpoint and nothing else") {
  const TinyCheckpoint tiny;
  const std::string out = tiny.path("out");
  const json result =
      run_command({"quantize", tiny.source(), "-o", out, "--to", "nf4", "--json"}).json();
  CHECK(names(out) == std::set<std::string>{"config.json", "generation_config.json",
                                            "model.safetensors", "tokenizer_config.json"});
  CHECK(result["bytes_written"] >= fs::file_size(out + "/model.safetensors"));
  CHECK(result["peak_bytes"] <= result["load_line_bytes"]);
  const json config = json::parse(std::ifstream(out + "/config.json"));
  CHECK(config["quantization_config"]["bnb_4bit_quant_type"] == "nf4");
  const json inspected = run_command({"inspect", out, "--json"}).json();
  bool found = false;
  for (const json& tensor : inspected["tensors"]) {
    if (tensor["name"] != "model.layers.0.mlp.up_proj.weight") continue;
    found = true;
    CHECK(tensor["dtype"] == "U8");
    CHECK(tensor["bytes"] == 704 * 256 / 2);
  }
  CHECK(found);
}

TEST_CASE("keep copies every tensor's bytes") {
  const TinyCheckpoint tiny;
  const std::string out = tiny.path("out");
  REQUIRE(run_command({"quantize", tiny.source(), "-o", out, "--to", "keep"}).code == 0);
  CHECK(contents(out)["model.safetensors"] == contents(tiny.source())["model.safetensors"]);
}

TEST_CASE("option --shard-size cuts the output into shards with an index") {
  const TinyCheckpoint tiny;
  const std::string out = tiny.path("out");
  REQUIRE(
      run_command({"quantize", tiny.source(), "-o", out, "--to", "nf4", "--shard-size", "1.5MB"})
          .code == 0);
  CHECK(names(out).count("model.safetensors.index.json") == 1);
  CHECK(names(out).count("model-00001-of-00003.safetensors") == 1);
  const json whole = run_command({"load", out, "--to", "keep", "--json"}).json();
  CHECK(whole["report"]["kept"].empty());
}

TEST_CASE("An output that is not empty is refused, replaced with --force, or found complete") {
  const TinyCheckpoint tiny;
  const std::string out = tiny.path("out");
  const std::vector<std::string> command = {"quantize", tiny.source(), "-o", out, "--to", "nf4"};
  REQUIRE(run_command(command).code == 0);
  const auto first = contents(out);

  const CommandEnd refused = run_command(command);
  CHECK(refused.code == 1);
  CHECK(is_one_error_line(refused.err));
  CHECK(contents(out) == first);

  auto resume = command;
  resume.insert(resume.end(), {"--resume", "--json"});
  const CommandEnd resumed = run_command(resume);
  INFO(resumed.err);
  CHECK(resumed.code == 0);
  CHECK(contents(out) == first);

  resume[5] = "nf4:blocksize=128";
  const CommandEnd other = run_command(resume);
  CHECK(other.code == 1);
  CHECK(is_one_error_line(other.err));
  CHECK(contents(out) == first);

  auto force = command;
  force.push_back("--force");
  force[5] = "nf4:blocksize=128";
  CHECK(run_command(force).code == 0);
  CHECK(contents(out) != first);
}

TEST_CASE("A run is resumed by any path to the same source, and OUT may be relative") {
  const TinyCheckpoint tiny;
  const CommandEnd end =
      run_shell("cd '" + tiny.path("") +
                "' && \"$PLIMSOLL\" quantize tiny -o out --to nf4 && "
                "\"$PLIMSOLL\" quantize ./tiny/../tiny -o \"$PWD/out/\" --to nf4 "
                "--resume && \"$PLIMSOLL\" quantize \"$PWD/tiny\" -o ./out --to "
                "nf4 --resume");
  INFO(end.err);
  CHECK(end.code == 0);
  CHECK(names(tiny.path("out")).size() == 4);
}

TEST_CASE("The source is never the output, whatever path leads there") {
  const TinyCheckpoint tiny;
  const auto before = contents(tiny.source());
  fs::create_directory_symlink(tiny.source(), tiny.path("link"));
  for (const std::string& out :
       {tiny.source(), tiny.source() + "/", tiny.path("tiny/../tiny"), tiny.path("link")}) {
    for (const std::string how : {"--force", "--resume", "--json"}) {
      INFO(out << how);
      const CommandEnd end =
          run_command({"quantize", tiny.source(), "-o", out, "--to", "nf4", how});
      CHECK(end.code == 1);
      CHECK(is_one_error_line(end.err));
    }
  }
  CHECK(contents(tiny.source()) == before);
}
