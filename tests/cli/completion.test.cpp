#include <string>

#include "catch.hpp"
#include "command_run.hpp"

namespace {

/// What bash would offer for the last of `words`, one a line.
std::string offered(const std::string& words) {
  const CommandEnd end =
      run_shell("bash -c 'source <(\"'\"$PLIMSOLL\"'\" completion bash); COMP_WORDS=(" + words +
                "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _plimsoll; "
                "printf \"%s\\n\" \"${COMPREPLY[@]}\"'");
  INFO(end.err);
  CHECK(end.code == 0);
  return "\n" + end.out;
}

bool offers(const std::string& words, const std::string& word) {
  const std::string all = offered(words);
  INFO(words << " offers " << all);
  return all.find("\n" + word + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("bash accepts its completion script") {
  CHECK(run_shell("\"$PLIMSOLL\" completion bash | bash -n").code == 0);
}

TEST_CASE("bash completes commands, options and the values of options") {
  CHECK(offers("plimsoll \"\"", "quantize"));
  CHECK(offers("plimsoll qua", "quantize"));
  CHECK_FALSE(offers("plimsoll qua", "load"));
  CHECK(offers("plimsoll --v", "--version"));
  CHECK(offers("plimsoll load dir --sl", "--slots"));
  CHECK_FALSE(offers("plimsoll load dir --f", "--force"));
  CHECK(offers("plimsoll quantize dir --f", "--force"));
  CHECK(offers("plimsoll load dir --to n", "nf4"));
  CHECK(offers("plimsoll load --profile low", "low-memory"));
  CHECK(offers("plimsoll load --source \"\"", "direct"));
  CHECK(offers("plimsoll load --layout \"\"", "transformers"));
  CHECK(offers("plimsoll load dir --to fp8", "fp8-block"));
  CHECK(offers("plimsoll load --merge two", "two-pass"));
  CHECK(offers("plimsoll load dir --par", "--parallel"));
  CHECK(offers("plimsoll synth qwen2", "qwen2.5-7b"));
  CHECK(offers("plimsoll synth deep", "deepseek-v3"));
  CHECK(offers("plimsoll completion z", "zsh"));
  CHECK(offered("plimsoll load dir --slots \"\"") == "\n\n");
}

TEST_CASE("zsh's script knows the same commands and values") {
  const CommandEnd end = run_command({"completion", "zsh"});
  CHECK(end.code == 0);
  CHECK(end.out.starts_with("#compdef plimsoll\n"));
  for (const char* word : {"quantize", "--shard-size", "low-memory", "nf4", "qwen2.5-7b"}) {
    CHECK(end.out.find(word) != std::string::npos);
  }
  if (run_shell("command -v zsh").code == 0) {
    CHECK(run_shell("\"$PLIMSOLL\" completion zsh | zsh -n").code == 0);
  }
}
