#include <string>
#include <vector>

#include "catch.hpp"
#include "command_run.hpp"

namespace {

struct Refusal {
  std::vector<std::string> arguments;
  std::string reason;  ///< found in the line
};

void check_refused(const Refusal& refusal, int code) {
  std::string line;
  for (const std::string& argument : refusal.arguments) line += argument + ' ';
  INFO(line);
  const CommandEnd end = run_command(refusal.arguments);
  INFO(end.err);
  CHECK(end.code == code);
  CHECK(end.out.empty());
  CHECK(is_one_error_line(end.err));
  CHECK(end.err.find(refusal.reason) != std::string::npos);
}

}  // namespace

TEST_CASE("Wrong usage is exit code 2 and one line that says what is wrong") {
  const TinyCheckpoint tiny;
  const std::string path = tiny.source();
  const std::vector<Refusal> table = {
      {{}, "a command is missing"},
      {{"lod", path}, "unknown command \"lod\"; did you mean \"load\"?"},
      {{"frobnicate"}, "unknown command \"frobnicate\""},
      {{"--frobnicate"}, "unknown option \"--frobnicate\""},
      {{"load"}, "PATH is required"},
      {{"load", path}, "--to FORMAT is missing"},
      {{"load", path, "--to"}, "--to"},
      {{"load", path, "--to", ""}, "--to: unknown format \"\""},
      {{"load", path, "--to", "nf5"}, "--to: unknown format \"nf5\""},
      {{"load", path, "--to", "nf4:blocksize=63"}, "blocksize \"63\""},
      {{"load", path, "--to", "nf4", "--to", "bf16"}, "--to: is given more than once"},
      {{"load", path, "--to", "nf4", "--slots", "0"}, "--slots: 0 is out of range"},
      {{"load", path, "--to", "nf4", "--slots", "-1"}, "--slots"},
      {{"load", path, "--to", "nf4", "--slots", "4x"}, "\"4x\" is not a whole number"},
      {{"load", path, "--to", "nf4", "--budget", "much"}, "--budget"},
      {{"load", path, "--to", "nf4", "--solts", "1"}, "did you mean \"--slots\"?"},
      {{"load", path, "--to", "nf4", "--source", "tape"}, "--source"},
      {{"load", path, "--to", "nf4", "--layout", "none"}, "--layout"},
      {{"load", path, "--to", "nf4", "--devices", "gpu"}, "--devices"},
      {{"load", path, "--to", "nf4", "--match", "no arrow"}, "--match"},
      {{"load", path, "--to", "nf4", "--skip", "("}, "--skip"},
      {{"load", path, "--to", "fp8-block:recipe=fine"}, "unknown recipe \"fine\""},
      {{"load", path, "--to", "nf4", "--merge", "none"}, "--merge: \"none\" is not auto, fold"},
      {{"load", path, "--to", "nf4", "--parallel", "4/4"}, "--parallel: there is no rank 4 of 4"},
      {{"load", path, "--to", "nf4", "--parallel", "0"}, "RANK/COUNT"},
      {{"load", path, "--to", "nf4", "--slice", "o_proj"}, "--slice"},
      {{"load", path, "--to", "nf4", "--slice", "o_proj -> row"}, "did you mean \"rows\"?"},
      {{"load", path, "--to", "nf4", "--profile", "none"}, "--profile: unknown profile"},
      {{"load", path, "--to", "nf4", "-o", "out"}, "unknown option \"-o\""},
      {{"load", path, "other", "--to", "nf4"}, "unexpected argument \"other\""},
      {{"load", path, "--to", "nf4", "--bad\noption\x1b"}, "--bad\\x0aoption\\x1b"},
      {{"quantize", path, "--to", "nf4"}, "-o OUT is missing"},
      {{"quantize", path, "-o", tiny.path("out")}, "--to FORMAT is missing"},
      {{"quantize", path, "-o", tiny.path("out"), "--to", "nf4", "--shard-size", "1"},
       "--shard-size"},
      {{"plan", path}, "--to FORMAT is missing"},
      {{"inspect"}, "PATH is required"},
      {{"inspect", path, "--slots", "1"}, "unknown option \"--slots\""},
      {{"synth", "tiny"}, "DIR is required"},
      {{"synth", "huge", tiny.path("new")}, "huge"},
      {{"synth", "tiny", tiny.path("new"), "--layers", "3"}, "not 3"},
      {{"synth", "tiny", tiny.path("new"), "--layers", "0"}, "not 0"},
      {{"synth", "tiny", tiny.path("new"), "--layers", "x"}, "--layers: \"x\""},
      {{"synth", "tiny", tiny.path("new"), "--layers", "4294967297"}, "--layers"},
      {{"synth", "tiny", tiny.path("new"), "--seed", "-1"}, "--seed"},
      {{"synth", "tiny", tiny.path("new"), "--shard-size", "0"}, "--shard-size"},
      {{"config", path}, "unexpected argument"},
      {{"trace"}, "FILE is required"},
      {{"completion", "fish"}, "\"fish\" is neither bash nor zsh"},
  };
  for (const Refusal& refusal : table) check_refused(refusal, 2);
}

TEST_CASE("A failure is exit code 1 and one line that names the file, with and without JSON") {
  const TinyCheckpoint tiny;
  const std::string path = tiny.source();
  const std::string absent = tiny.path("absent");
  const std::string garbage = tiny.write("garbage.safetensors", "this is no header");
  const std::string evil =
      tiny.write("evil.safetensors",
                 std::string("\x20\0\0\0\0\0\0\0", 8) + "{\"a\\u001bb\\n\":{\"dtype\":\"XX\"}}   ");
  const std::string config = tiny.write("plimsoll.toml", "[plan]\nslotz = 3\n");
  const std::string profile = tiny.write("profile.toml", "profile = \"none\"\n");
  const std::vector<Refusal> table = {
      {{"load", absent, "--to", "nf4"}, absent},
      {{"load", "", "--to", "nf4"}, "the path is empty"},
      {{"load", garbage, "--to", "nf4"}, garbage},
      {{"inspect", evil}, evil},
      {{"load", path, "--to", "nf4", "--config", absent}, absent},
      {{"load", path, "--to", "nf4", "--config", config}, config + ":2: plan.slotz"},
      {{"load", path, "--to", "nf4", "--config", profile}, profile + ":1"},
      {{"load", path, "--to", "nf4", "--budget", "1kB"}, "the smallest that works is"},
      {{"load", path, "--to", "nf4", "--layout", "gguf"}, "layout"},
      {{"load", path, "--to", "nf4", "--trace", tiny.path("no/trace")}, tiny.path("no/trace")},
      {{"plan", absent, "--to", "nf4"}, absent},
      {{"plan", path, "--to", "nf4", "-o", "x.gguf"}, "x.gguf"},
      {{"quantize", path, "--to", "nf4", "-o", "x.gguf"}, "x.gguf"},
      {{"inspect", absent}, absent},
      {{"inspect", "/dev/zero"}, "/dev/zero"},
      {{"trace", absent}, absent},
      {{"trace", garbage}, garbage},
      {{"synth", "tiny", path}, path},
  };
  for (Refusal refusal : table) {
    check_refused(refusal, 1);
    refusal.arguments.push_back("--json");
    check_refused(refusal, 1);
  }
}

TEST_CASE("A file's name and a path as long as they can be still give one line") {
  const std::string name(255, '\n');
  const CommandEnd end = run_command({"inspect", "/" + name + "/" + name + "/" + name});
  CHECK(end.code == 1);
  CHECK(is_one_error_line(end.err));
}

TEST_CASE("Version and help go to stdout") {
  const CommandEnd version = run_command({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.starts_with("plimsoll "));
  CHECK(version.err.empty());
  const CommandEnd help = run_command({"--help"});
  CHECK(help.code == 0);
  for (const char* command : {"inspect", "plan", "load", "quantize", "synth", "config", "formats",
                              "trace", "completion"}) {
    INFO(command);
    CHECK(help.out.find(command) != std::string::npos);
    const CommandEnd of_command = run_command({command, "--help"});
    CHECK(of_command.code == 0);
    CHECK(of_command.out.find("plimsoll " + std::string(command)) != std::string::npos);
  }
}

TEST_CASE("an option for a path is not given empty") {
  const TinyCheckpoint tiny;
  for (const std::string option : {"--expect", "--rules"}) {
    const CommandEnd end = run_command({"plan", tiny.source(), "--to", "bf16", option, ""});
    CHECK(end.code == 2);
    CHECK(end.err.find("a path cannot be empty") != std::string::npos);
  }
}
