#include <string>

#include "catch.hpp"
#include "command_run.hpp"

namespace {

/// Every way of ending that prints a result.
const char* const results[] = {"--version",
                               "--help",
                               "formats",
                               "config",
                               "inspect \"$TINY\" --json",
                               "plan \"$TINY\" --to nf4",
                               "load \"$TINY\" --to nf4",
                               "load \"$TINY\" --to nf4 --json",
                               "quantize \"$TINY\" --to nf4 --json --force -o \"$TINY.out\""};

CommandEnd run_redirected(const TinyCheckpoint& tiny, const std::string& command,
                          const std::string& redirection) {
  return run_shell("TINY='" + tiny.source() + "'; \"$PLIMSOLL\" " + command + " " + redirection);
}

}  // namespace

TEST_CASE("A result that cannot be written is a failure") {
  const TinyCheckpoint tiny;
  for (const std::string command : results) {
    for (const char* redirection : {">/dev/full", ">&-", "</dev/null >&- <&-"}) {
      INFO(command << redirection);
      const CommandEnd end = run_redirected(tiny, command, redirection);
      CHECK(end.code == 1);
      CHECK(is_one_error_line(end.err));
      CHECK(end.err.find("standard output") != std::string::npos);
    }
  }
}

TEST_CASE("A reader that has gone is a failure, not a signal") {
  const TinyCheckpoint tiny;
  RunningCommand command({"inspect", tiny.source(), "--json"});
  command.close_out();
  const CommandEnd end = command.wait();
  CHECK(end.code == 1);
  CHECK(is_one_error_line(end.err));
}

TEST_CASE("Without stdin, stdout and stderr the output is still what it should be") {
  const TinyCheckpoint tiny;
  const std::string arguments = "quantize \"$TINY\" --to keep -o \"$TINY.out\" ";
  CHECK(run_redirected(tiny, arguments, "<&- >&- 2>&-").code == 1);
  const CommandEnd same = run_shell("cd '" + tiny.path("") +
                                    "' && if [ -e tiny.out ]; then cmp tiny/model.safetensors "
                                    "tiny.out/model.safetensors; fi");
  CHECK(same.code == 0);
}

TEST_CASE("What goes wrong on stderr changes nothing") {
  const TinyCheckpoint tiny;
  const CommandEnd end = run_redirected(tiny, "load \"$TINY\" --to nf4 --json -vv", "2>/dev/full");
  CHECK(end.code == 0);
  CHECK(end.json()["units"] == 21);
}
