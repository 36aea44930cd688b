#include <string>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

TEST_CASE("plan predicts what load then reports") {
  const TinyCheckpoint tiny;
  for (const std::string to : {"nf4", "keep", "f32"}) {
    const json plan = run_command({"plan", tiny.source(), "--to", to, "--json"}).json();
    const json load = run_command({"load", tiny.source(), "--to", to, "--json"}).json();
    for (const char* key : {"load_line_bytes", "final_bytes", "slot_bytes", "slots", "units"}) {
      INFO(to << ' ' << key);
      CHECK(plan[key] == load[key]);
      CHECK(plan["devices"][0][key] == load["devices"][0][key]);
    }
  }
}

TEST_CASE("plan --json lists every tensor with format, device and bytes") {
  const TinyCheckpoint tiny;
  const json plan = run_command({"plan", tiny.source(), "--to", "nf4", "--json"}).json();
  CHECK(plan["formats"] == json({{"keep", 7}, {"nf4", 14}}));
  CHECK(plan["merges"] == json::object());
  REQUIRE(plan["tensors"].size() == 21);
  const json head = {{"name", "lm_head.weight"},
                     {"dtype", "BF16"},
                     {"shape", {2048, 256}},
                     {"format", "keep"},
                     {"device", "host"},
                     {"bytes", 2048 * 256 * 2},
                     {"merge", ""},
                     {"parts", 1},
                     {"slots", 0},
                     {"bytes_read", 2048 * 256 * 2}};
  for (const auto& [key, value] : head.items()) {
    INFO(key);
    CHECK(plan["tensors"][0][key] == value);
  }
}

TEST_CASE("plan --json has room for the names in which model and checkpoint differ") {
  const TinyCheckpoint tiny;
  const json plan = run_command({"plan", tiny.source(), "--to", "nf4", "--json"}).json();
  for (const char* key : {"missing", "unexpected", "mismatched", "mismatches", "unchecked"}) {
    INFO(key);
    CHECK(plan["report"][key].is_array());
  }
  const json load = run_command({"load", tiny.source(), "--to", "nf4", "--json"}).json();
  CHECK(plan["bytes_to_read"] == load["bytes_read"]);
}

TEST_CASE("a checkpoint of 91,991 tensors is planned from its headers") {
  const TinyCheckpoint tiny;
  const std::string huge = tiny.write_sparse("deepseek-v3");
  const json plan = run_command({"plan", huge, "--to", "keep", "--json"}).json();
  CHECK(plan["tensors"].size() == 91991);
  CHECK(plan["final_bytes"] > 688'000'000'000);
}

TEST_CASE("The smallest load line that plan names is a budget that works, and a byte less is not") {
  const TinyCheckpoint tiny;
  const json plan = run_command({"plan", tiny.source(), "--to", "nf4", "--json"}).json();
  const auto smallest = plan["smallest_load_line_bytes"].get<std::uint64_t>();
  const auto with_budget = [&](std::uint64_t bytes) {
    return run_command(
        {"load", tiny.source(), "--to", "nf4", "--budget", std::to_string(bytes), "--json"});
  };
  CHECK(with_budget(smallest).json()["peak_bytes"] <= smallest);
  const CommandEnd less = with_budget(smallest - 1);
  CHECK(less.code == 1);
  CHECK(less.err.find(std::to_string(smallest)) != std::string::npos);
}

TEST_CASE("With -o, plan describes quantize") {
  const TinyCheckpoint tiny;
  const std::string out = tiny.path("out");
  const json plan = run_command({"plan", tiny.source(), "--to", "nf4", "-o", out, "--json"}).json();
  const json run =
      run_command({"quantize", tiny.source(), "--to", "nf4", "-o", out, "--json"}).json();
  CHECK(plan["load_line_bytes"] == run["load_line_bytes"]);
  CHECK(plan["output_bytes"] == std::filesystem::file_size(out + "/model.safetensors"));
}

TEST_CASE("plan's text has one line for the tensors of all layers") {
  const TinyCheckpoint tiny;
  const CommandEnd end = run_command({"plan", tiny.source(), "--to", "nf4"});
  CHECK(end.code == 0);
  CHECK(end.out.starts_with("load line   host  "));
  CHECK(end.out.find("\nsmallest ") != std::string::npos);
  CHECK(end.out.find("\n    2  model.layers.*.mlp.up_proj.weight") != std::string::npos);
  CHECK(end.out.find("\n    1  lm_head.weight") != std::string::npos);
}

TEST_CASE("plan reads headers only: a checkpoint of holes is planned like a full one") {
  const TinyCheckpoint tiny;
  const std::string large = tiny.write_sparse("qwen3-30b-a3b");
  const json plan = run_command({"plan", large, "--to", "nf4", "--json"}).json();
  CHECK(plan["tensors"].size() == 18867);
  CHECK(plan["final_bytes"] > 18'000'000'000);
}
