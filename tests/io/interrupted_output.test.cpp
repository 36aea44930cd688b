#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>

#include "catch.hpp"
#include "failing_calls.hpp"
#include "io/checkpoint_writer.hpp"
#include "output_checkpoint.hpp"
#include "scratch_directory.hpp"

namespace fs = std::filesystem;
using namespace plimsoll::io;
using plimsoll::ErrorCode;
using enum plimsoll::io::ExistingOutput;

namespace {

using Files = std::map<std::string, std::string>;

/// The files that are not the writer's own.
Files without_own(Files files) {
  std::erase_if(files, [](const auto& file) { return file.first.starts_with(".plimsoll-"); });
  return files;
}

struct Fixture {
  bool single;
  ScratchDirectory scratch;
  std::string source = scratch.path("in"), output = scratch.path("out");
  OutputCheckpoint checkpoint;
  Files expected;

  explicit Fixture(bool one_file) : single(one_file), checkpoint(source, output, one_file) {
    // Little of everything: each call on a file is one more run of the tests below.
    fs::create_directories(source + "/sub");
    scratch.write("in/tokenizer.json", "words");
    scratch.write("in/sub/config.json", "{}");
    expected = undisturbed(1);
  }
  [[nodiscard]] Files undisturbed(unsigned seed) const {
    const std::string directory = scratch.path("undisturbed");
    fs::remove_all(directory);
    REQUIRE(OutputCheckpoint(source, directory, single, seed).run(refuse));
    return files_in(directory);
  }
  /// The output may look whole only if it is.
  void check_honest() const {
    if (!fs::exists(output) || !looks_whole(output)) return;
    CHECK(without_own(files_in(output)) == expected);
  }
};

/// Runs `work` in a process of its own; its exit status.
int exit_status_of(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(work());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/// Lets runs die at their first, second, third ... call until one ends well, and calls `check`
/// after each death.
void die_everywhere(const Fixture& fixture, ExistingOutput existing,
                    const std::function<void()>& prepare, const std::function<void()>& check) {
  int deaths = 0;
  for (int status = died_at_call; status == died_at_call; ++deaths) {
    INFO("call " << deaths);
    fs::remove_all(fixture.output);
    prepare();
    status = exit_status_of([&] {
      die_at_call(deaths);
      return fixture.checkpoint.run(existing) ? 0 : 1;
    });
    REQUIRE((status == 0 || status == died_at_call));
    if (status == died_at_call) check();
  }
  CHECK(deaths > 25);
}

}  // namespace

TEST_CASE("a run that is killed at any call can be resumed to the same bytes") {
  for (const bool single : {false, true}) {
    const Fixture fixture(single);
    die_everywhere(
        fixture, refuse, [] {},
        [&] {
          fixture.check_honest();
          const auto resumed = fixture.checkpoint.run(resume);
          REQUIRE(resumed);
          CHECK(files_in(fixture.output) == fixture.expected);
        });
  }
}

TEST_CASE("a resumed run that is killed at any call can be resumed again") {
  for (const bool single : {false, true}) {
    const Fixture fixture(single);
    die_everywhere(
        fixture, resume,
        [&] {
          const int status = exit_status_of([&] {
            auto writer = fixture.checkpoint.open(refuse);
            return fixture.checkpoint.write_shard(**writer, 0) ? died_at_call : 1;
          });
          REQUIRE(status == died_at_call);
        },
        [&] {
          fixture.check_honest();
          REQUIRE(fixture.checkpoint.run(resume));
          CHECK(files_in(fixture.output) == fixture.expected);
        });
  }
}

TEST_CASE("a replacement that is killed at any call never passes for a checkpoint") {
  for (const bool single : {false, true}) {
    const Fixture fixture(single);
    const OutputCheckpoint old(fixture.source, fixture.output, single, 2);
    const Files before = fixture.undisturbed(2);
    die_everywhere(
        fixture, replace, [&] { REQUIRE(old.run(refuse)); },
        [&] {
          const Files files = without_own(files_in(fixture.output));
          const bool untouched = files == before;
          const bool whole = looks_whole(fixture.output) && files.contains("config.json");
          CHECK((!whole || untouched || files == fixture.expected));
          if (const auto resumed = fixture.checkpoint.run(resume); !resumed) {
            CHECK(untouched);
            CHECK(resumed.error().code() == ErrorCode::resume_mismatch);
            REQUIRE(fixture.checkpoint.run(replace));
          }
          CHECK(files_in(fixture.output) == fixture.expected);
        });
  }
}

TEST_CASE("whatever call fails, the run says so and can be resumed") {
  for (const bool single : {false, true}) {
    const Fixture fixture(single);
    for (const int number : {ENOSPC, EIO}) {
      bool ended_well = false;
      for (int call = 0; !ended_well; ++call) {
        INFO("call " << call << ", " << number);
        fs::remove_all(fixture.output);
        fail_call(call, number);
        const auto result = fixture.checkpoint.run(refuse);
        ended_well = call >= calls_counted();
        let_calls_pass();
        REQUIRE(result.has_value() == ended_well);
        if (result) continue;
        CHECK(result.error().code() ==
              (number == ENOSPC ? ErrorCode::disk_full : ErrorCode::write_failed));
        CHECK(result.error().file().starts_with(fixture.scratch.path()));
        fixture.check_honest();
        REQUIRE(fixture.checkpoint.run(resume));
        CHECK(files_in(fixture.output) == fixture.expected);
      }
    }
  }
}

TEST_CASE("a limit on file sizes is an error before any data is written") {
  const Fixture fixture(true);
  const int status = exit_status_of([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{5000, 5000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const auto writer = fixture.checkpoint.open(refuse);
    return !writer && writer.error().code() == ErrorCode::write_failed ? 0 : 2;
  });
  CHECK(status == 0);
  CHECK_FALSE(fs::exists(fixture.output));
}

TEST_CASE("an output larger than the disk is refused and the old one stays") {
  const Fixture fixture(false);
  REQUIRE(fixture.checkpoint.run(refuse));
  OutputCheckpoint larger = fixture.checkpoint;
  larger.tensors.push_back({"huge", plimsoll::Dtype::u8, {1ull << 60}, 1ull << 60, 99});
  larger.layout = lay_out_shards(larger.tensors, 9000);
  const auto result = larger.open(replace);
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == ErrorCode::disk_full);
  CHECK(files_in(fixture.output) == fixture.expected);
}
