#include "simulation/simulate.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "catch.hpp"
#include "simulation/many_seeds.hpp"
#include "trace/trace_file.hpp"

using namespace plimsoll;
using namespace plimsoll::simulation;

namespace {

std::string trace_of(std::uint64_t seed) {
  return trace::format_trace(simulate(seed, {.keep_trace = true}).trace);
}

/// Removes its file at the end.
struct TemporaryFile {
  std::string path;
  ~TemporaryFile() { std::remove(path.c_str()); }

  [[nodiscard]] std::string content() const {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
};

}  // namespace

TEST_CASE("two thousand seeds hold") {
  const SeedsReport report = simulate_many(1'000'000, 2000, 2);
  INFO((report.failed ? failure_line(*report.failed) : ""));
  CHECK_FALSE(report.failed.has_value());
  CHECK(report.seeds == 2000);
  // The seeds do what they are for: most loads end well, many do not.
  CHECK(report.ended_well > report.loads / 2);
  CHECK(report.ended_well < report.loads * 9 / 10);
  CHECK(report.units > 5 * report.loads);
  CHECK(report.packed > report.ended_well / 8);
  CHECK(report.ggml > report.ended_well / 8);
  CHECK(report.gguf > report.ended_well / 50);
}

TEST_CASE("the seeds that noticed a mistake in plans or actors hold") {
  struct Noticed {
    std::uint64_t seed;
    const char* mistake;
  };
  const Noticed list[] = {
      {0, "the scale of an empty tensor was written by its unit and once more as a constant"},
      {1, "a read that failed never ended in the trace, and its slot was released inside it"},
      {1, "what units measure was not zero at first"},
      {6, "integers of the other byte order were cast as if they were floats"},
      {7, "a cancel was not told to the loader"},
      {10, "a shard waited for units that only measure to be written"},
      {15, "the last credit of a load was home before the message that its unit was placed"},
      {45, "a closed load was granted the rest of its units"},
      {55, "a load whose units were all finished by an earlier run never ended"},
      {80, "a consumer's open tensor was kept when its load was closed"},
      {131, "a tensor was delivered after its load had stopped"},
      {155, "a load without anything out was closed and never ended"},
      {277, "the loader did not learn that a read had failed"},
      {300, "runs of ggml's blocks that lie apart were written one behind the other"},
      {1079, "neighbouring slots were taken and others marked as taken"},
  };
  for (const Noticed& noticed : list) {
    INFO(noticed.mistake);
    const SimulationReport report = simulate(noticed.seed);
    CHECK(report.finding.value_or("holds") == "holds");
  }
}

TEST_CASE("a seed gives the same trace byte for byte each time") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    REQUIRE(trace_of(seed) == trace_of(seed));
  }
}

TEST_CASE("a seed gives the same trace in any thread, whatever ran there before") {
  const std::string here = trace_of(7);
  std::string there;
  std::thread([&] {
    static_cast<void>(simulate(8));
    there = trace_of(7);
  }).join();
  CHECK(here == there);
  CHECK(here != trace_of(8));
}

TEST_CASE("the program repeats a seed byte for byte in a process of its own") {
  for (const std::uint64_t seed : {3u, 4u, 5u}) {
    const TemporaryFile file{"plimsoll-simulate-" + std::to_string(seed) + ".trace"};
    const std::string command = std::string(PLIMSOLL_SIMULATE_PROGRAM) + " --seed " +
                                std::to_string(seed) + " --trace " + file.path + " > /dev/null";
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
    CHECK(file.content() == trace_of(seed));
  }
}

TEST_CASE("many seeds give the same sums on one thread and on three") {
  const SeedsReport one = simulate_many(50, 200, 1);
  const SeedsReport three = simulate_many(50, 200, 3);
  CHECK(one.seeds == three.seeds);
  CHECK(one.loads == three.loads);
  CHECK(one.ended_well == three.ended_well);
  CHECK(one.units == three.units);
  CHECK(one.steps == three.steps);
  CHECK(one.packed == three.packed);
  CHECK(one.ggml == three.ggml);
  CHECK(one.gguf == three.gguf);
}

TEST_CASE("a failure is one line with the reason and the command that repeats it") {
  SimulationReport report;
  report.seed = 42;
  report.finding = "a rule was broken";
  CHECK(failure_line(report) ==
        "seed 42: a rule was broken; repeat with: ./dev simulate --seed 42");
}
