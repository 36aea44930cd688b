#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "command_run.hpp"

namespace {

/// Tens of thousands of units one after the other: far from done when its first line is read.
std::vector<std::string> long_load(const std::string& source) {
  return {"load", source,      "--to", "nf4",          "--source", "pread",        "--slots",
          "1",    "--threads", "1",    "--unit-bytes", "16KiB",    "--no-progress"};
}

}  // namespace

TEST_CASE("SIGINT and SIGTERM cancel a load, which is one error line and exit code 1") {
  const TinyCheckpoint tiny;
  const std::string source = tiny.write_sparse("qwen2.5-1.5b");
  for (const int signal : {SIGINT, SIGTERM}) {
    RunningCommand command(long_load(source));
    CHECK(command.read_line().starts_with("load line"));
    command.send(signal);
    const CommandEnd end = command.wait();
    CHECK(end.code == 1);
    CHECK(end.err == "plimsoll: error: the load was cancelled\n");
    CHECK(end.out.empty());
  }
}

TEST_CASE("A signal cancels also where the parent ignores it") {
  const TinyCheckpoint tiny;
  const std::string source = tiny.write_sparse("qwen2.5-1.5b");
  const auto before = std::signal(SIGINT, SIG_IGN);
  RunningCommand command(long_load(source));
  std::signal(SIGINT, before);
  CHECK(command.read_line().starts_with("load line"));
  command.send(SIGINT);
  CHECK(command.wait().code == 1);
}

TEST_CASE("A cancelled quantize leaves nothing that looks like a checkpoint") {
  const TinyCheckpoint tiny;
  auto arguments = long_load(tiny.write_sparse("qwen2.5-0.5b"));
  const std::string out = tiny.path("out");
  arguments[0] = "quantize";
  arguments.insert(arguments.end(), {"-o", out});
  RunningCommand command(arguments);
  CHECK(command.read_line().starts_with("load line"));
  command.send(SIGINT);
  const CommandEnd end = command.wait();
  CHECK(end.code == 1);
  CHECK(end.err == "plimsoll: error: the load was cancelled\n");
  CHECK_FALSE(std::filesystem::exists(out));
}
