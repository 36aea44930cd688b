#include <string>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

namespace {

json setting(const json& result, const std::string& name) {
  for (const json& candidate : result["settings"]) {
    if (candidate["name"] == name) return candidate;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("A setting comes from the command line before the file before the profile") {
  const TinyCheckpoint tiny;
  const std::string file =
      tiny.write("p.toml", "profile = \"low-memory\"\n[plan]\nslots = 3\nunit-bytes = \"2MiB\"\n");
  const json result =
      run_command({"config", "--unit-bytes", "3MiB", "--config", file, "--json"}).json();
  CHECK(result["profile"] == "low-memory");
  CHECK(setting(result, "plan.unit-bytes")["value"] == "\"3MiB\"");
  CHECK(setting(result, "plan.unit-bytes")["origin"] == "command line (--unit-bytes)");
  CHECK(setting(result, "plan.slots")["value"] == "3");
  CHECK(setting(result, "plan.slots")["origin"] == file + ":3");
  CHECK(setting(result, "engine.threads")["value"] == "2");
  CHECK(setting(result, "engine.threads")["origin"] == "profile low-memory");
  CHECK(setting(result, "io.source")["origin"] == "default");
  CHECK(setting(result, "recipe.to")["value"].is_null());
}

TEST_CASE("option --profile on the command line wins over the file's profile") {
  const TinyCheckpoint tiny;
  const std::string file = tiny.write("p.toml", "profile = \"low-memory\"\n");
  const json result =
      run_command({"config", "--config", file, "--profile", "fastest", "--json"}).json();
  CHECK(result["profile"] == "fastest");
  CHECK(setting(result, "plan.slots")["value"] == "16");
}

TEST_CASE("A later config file wins over an earlier one") {
  const TinyCheckpoint tiny;
  const std::string one = tiny.write("1.toml", "slots = 1\nthreads = 1\n");
  const std::string two = tiny.write("2.toml", "slots = 2\n");
  const json result = run_command({"config", "--config", one, "--config", two, "--json"}).json();
  CHECK(setting(result, "plan.slots")["value"] == "2");
  CHECK(setting(result, "engine.threads")["value"] == "1");
}

TEST_CASE("What config prints is a config file with the same settings") {
  const TinyCheckpoint tiny;
  const std::vector<std::string> settings = {"--to",          "nf4:blocksize=128",
                                             "--match",       R"(\.q_proj -> bf16)",
                                             "--skip",        "",
                                             "--budget",      "1.5GiB",
                                             "--merge",       "two-pass",
                                             "--parallel",    "1/2",
                                             "--slice",       R"(\.o_proj\. -> rows)",
                                             "--slice",       "experts -> experts",
                                             "--devices",     "host:0,host:1",
                                             "--no-progress", "--profile",
                                             "cold-disk",     "-o",
                                             "a \"b\"",       "-vv"};
  auto command = settings;
  command.insert(command.begin(), "config");
  const CommandEnd text = run_command(command);
  REQUIRE(text.code == 0);
  CHECK(text.out.find("level = \"debug\"") != std::string::npos);
  const std::string file = tiny.write("effective.toml", text.out);
  command.push_back("--json");
  const json direct = run_command(command).json();
  const json again = run_command({"config", "--config", file, "--json"}).json();
  for (std::size_t i = 0; i < direct["settings"].size(); ++i) {
    if (direct["settings"][i]["name"] == "output.json") continue;
    INFO(direct["settings"][i]["name"]);
    CHECK(direct["settings"][i]["value"] == again["settings"][i]["value"]);
  }
}

TEST_CASE("A config file alone can say everything that a load needs") {
  const TinyCheckpoint tiny;
  const std::string file = tiny.write("p.toml", "to = \"nf4\"\njson = true\nslots = 2\n");
  const json result = run_command({"load", tiny.source(), "--config", file}).json();
  CHECK(result["slots"] == 2);
}

TEST_CASE("formats lists every format with its options") {
  const json result = run_command({"formats", "--json"}).json();
  bool found = false;
  for (const json& format : result["formats"]) {
    const std::string name = format["name"];
    const TinyCheckpoint tiny;
    CHECK(run_command({"plan", tiny.source(), "--to", name}).code == 0);
    if (name == "nf4") {
      found = true;
      CHECK(format["options"].size() == 2);
    }
  }
  CHECK(found);
  const CommandEnd text = run_command({"formats"});
  CHECK(text.out.find("nf4") != std::string::npos);
  CHECK(text.out.find("blocksize=") != std::string::npos);
}

TEST_CASE("synth prints what it wrote") {
  const TinyCheckpoint tiny;
  const json result =
      run_command({"synth", "tiny", tiny.path("a"), "--layers", "1", "--seed", "7", "--json"})
          .json();
  CHECK(result["shards"] == 1);
  CHECK(result["tensors"] == 12);
  CHECK(result["bytes"] == std::filesystem::file_size(tiny.path("a/model.safetensors")));
  const CommandEnd text = run_command({"synth", "tiny", tiny.path("b"), "--sparse"});
  CHECK(text.code == 0);
  CHECK(text.out.starts_with("wrote " + tiny.path("b") + ": 21 tensors, "));
}
