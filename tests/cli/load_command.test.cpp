#include <set>
#include <string>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

namespace {

std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

}  // namespace

TEST_CASE("load --json prints the contract's keys and no others") {
  const TinyCheckpoint tiny;
  const CommandEnd end = run_command({"load", tiny.source(), "--to", "nf4", "--json"});
  REQUIRE(end.code == 0);
  CHECK(end.err.empty());
  const json result = end.json();
  CHECK(keys_of(result) ==
        std::set<std::string>{"load_line_bytes", "peak_bytes", "final_bytes", "slot_bytes", "slots",
                              "peak_full_precision_tensors", "units", "bytes_read", "bytes_written",
                              "seconds", "report", "devices"});
  CHECK(keys_of(result["report"]) == std::set<std::string>{"missing", "unexpected", "mismatched",
                                                           "mismatches", "unchecked", "kept"});
  REQUIRE(result["devices"].size() == 1);
  CHECK(keys_of(result["devices"][0]) ==
        std::set<std::string>{"name", "load_line_bytes", "peak_bytes", "final_bytes", "slot_bytes",
                              "slots", "peak_full_precision_tensors", "units"});
  CHECK(result["devices"][0]["name"] == "host");
  CHECK(result["peak_bytes"] <= result["load_line_bytes"]);
  CHECK(result["peak_full_precision_tensors"] <= result["slots"]);
  CHECK(result["report"]["kept"] == json::array({"lm_head.weight"}));
  CHECK(result["bytes_written"] == 0);
}

TEST_CASE("load prints the load line first and the peak beside it last") {
  const TinyCheckpoint tiny;
  const CommandEnd end = run_command({"load", "--to", "nf4", tiny.source()});
  REQUIRE(end.code == 0);
  CHECK(end.err.empty());
  CHECK(end.out.starts_with("load line   host  "));
  const std::size_t last = end.out.rfind('\n', end.out.size() - 2) + 1;
  CHECK(end.out.compare(last, 5, "peak ") == 0);
  CHECK(end.out.find("of load line", last) != std::string::npos);
  CHECK(end.out.find("left alone  1 tensor: lm_head.weight\n") != std::string::npos);
}

TEST_CASE("Options stand before and after PATH, with a blank or an equals sign") {
  const TinyCheckpoint tiny;
  const std::string path = tiny.source();
  const json expected =
      run_command({"load", path, "--to", "nf4", "--slots", "2", "--json"}).json()["devices"];
  CHECK(expected[0]["slots"] == 2);
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"load", "--to=nf4", "--slots=2", "--json", path},
           {"load", "--slots", "2", path, "--json", "--to", "NF4"},
           {"load", "--json", "--slots", "2", "--to", "nf4", "--", path}}) {
    const json devices = run_command(arguments).json()["devices"];
    CHECK(devices[0]["load_line_bytes"] == expected[0]["load_line_bytes"]);
    CHECK(devices[0]["slots"] == 2);
  }
}

TEST_CASE("An empty --skip quantizes the output head too") {
  const TinyCheckpoint tiny;
  const std::string path = tiny.source();
  const json all = run_command({"load", path, "--to", "nf4", "--skip", "", "--json"}).json();
  CHECK(all["report"]["kept"].empty());
  CHECK(run_command({"load", "--skip=", path, "--to", "nf4", "--json"}).json()["report"]["kept"] ==
        all["report"]["kept"]);
  const json some =
      run_command({"load", "--skip", "lm_head", "--skip", "_proj", path, "--to", "nf4", "--json"})
          .json();
  CHECK(some["report"]["kept"].size() == 15);
  CHECK(all["final_bytes"] < some["final_bytes"]);
}

TEST_CASE("A lower budget lowers slots and the load line, which the peak keeps below") {
  const TinyCheckpoint tiny;
  const std::string path = tiny.source();
  const json result =
      run_command({"load", path, "--to", "nf4", "--budget", "4MB", "--json"}).json();
  CHECK(result["slots"] == 1);
  CHECK(result["load_line_bytes"] <= 4'000'000);
  CHECK(result["peak_bytes"] <= result["load_line_bytes"]);
  CHECK(result["peak_full_precision_tensors"] == 1);
}

TEST_CASE("Every device has a load line of its own") {
  const TinyCheckpoint tiny;
  const std::string path = tiny.source();
  const json result =
      run_command({"load", path, "--to", "nf4", "--devices", "host:0,host:1", "--json"}).json();
  REQUIRE(result["devices"].size() == 2);
  CHECK(result["devices"][0]["name"] == "host:0");
  CHECK(result["devices"][1]["name"] == "host:1");
  CHECK(result["devices"][0]["units"].get<int>() + result["devices"][1]["units"].get<int>() ==
        result["units"].get<int>());
}

TEST_CASE("A single file loads as its directory does") {
  const TinyCheckpoint tiny;
  const json directory = run_command({"load", tiny.source(), "--to", "keep", "--json"}).json();
  const json file =
      run_command({"load", tiny.source() + "/model.safetensors", "--to", "keep", "--json"}).json();
  CHECK(file["bytes_read"] == directory["bytes_read"]);
  CHECK(file["final_bytes"] == directory["final_bytes"]);
}

TEST_CASE("option -v tells the plan on stderr and -q nothing, and results stay on stdout") {
  const TinyCheckpoint tiny;
  const CommandEnd loud = run_command({"load", tiny.source(), "--to", "nf4", "-v", "--json"});
  CHECK(loud.code == 0);
  CHECK(loud.err.find("plimsoll: info: host: load line") != std::string::npos);
  CHECK(loud.json()["units"] == 21);
  const CommandEnd quiet = run_command({"load", tiny.source(), "--to", "nf4", "-q", "--json"});
  CHECK(quiet.err.empty());
}
