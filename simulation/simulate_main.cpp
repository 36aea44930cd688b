// plimsoll_simulate: runs seeds of the simulation, and repeats one of them.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "simulation/many_seeds.hpp"
#include "trace/trace_file.hpp"

namespace {

using plimsoll::simulation::repeat_command;
using plimsoll::simulation::SeedsReport;
using plimsoll::simulation::SimulationReport;

struct Arguments {
  std::uint64_t first_seed = 0;
  std::uint64_t seeds = 50'000;
  unsigned jobs = std::max(std::thread::hardware_concurrency(), 1u);
  std::uint64_t seed = 0;
  std::string trace;
};

int report_failure(const SimulationReport& report) {
  std::fprintf(stderr, "%s\n", plimsoll::simulation::failure_line(report).c_str());
  return 1;
}

/// A crash has a seed too. Calls nothing that a signal handler may not.
extern "C" void tell_seed(int signal) {
  char text[128] = "crashed; repeat with: ";
  char* end = text + std::strlen(text);
  end = static_cast<char*>(std::memcpy(end, repeat_command, sizeof repeat_command - 1)) +
        sizeof repeat_command - 1;
  end = std::to_chars(end, text + sizeof text - 1, plimsoll::simulation::current_seed()).ptr;
  *end++ = '\n';
  [[maybe_unused]] const auto written =
      ::write(STDERR_FILENO, text, static_cast<std::size_t>(end - text));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

int run_single(const Arguments& arguments) {
  const SimulationReport report =
      plimsoll::simulation::simulate(arguments.seed, {.keep_trace = !arguments.trace.empty()});
  if (!arguments.trace.empty()) {
    const auto written = plimsoll::trace::write_trace(arguments.trace, report.trace);
    if (!written) {
      std::fprintf(stderr, "%s\n", written.error().what());
      return 1;
    }
  }
  if (report.finding) return report_failure(report);
  std::printf("seed %llu holds: %u loads, %u ended well, %u units, %llu steps\n",
              static_cast<unsigned long long>(report.seed), report.loads, report.ended_well,
              report.units, static_cast<unsigned long long>(report.steps));
  return 0;
}

int run_many(const Arguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  const SeedsReport all =
      plimsoll::simulation::simulate_many(arguments.first_seed, arguments.seeds, arguments.jobs);
  if (all.failed) return report_failure(*all.failed);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf(
      "%llu seeds hold: %llu loads, %llu ended well, %llu units, %llu steps, %.1f s\n",
      static_cast<unsigned long long>(all.seeds), static_cast<unsigned long long>(all.loads),
      static_cast<unsigned long long>(all.ended_well), static_cast<unsigned long long>(all.units),
      static_cast<unsigned long long>(all.steps), seconds.count());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Simulates loads with seeded schedules and faults, and checks every step",
               "plimsoll_simulate");
  app.add_option("--first-seed", arguments.first_seed, "the first of many seeds");
  app.add_option("--seeds", arguments.seeds, "how many");
  app.add_option("--jobs", arguments.jobs, "threads")->check(CLI::Range(1u, 1024u));
  auto* const seed = app.add_option("--seed", arguments.seed, "repeat this one seed");
  app.add_option("--trace", arguments.trace, "write the seed's trace to this file")->needs(seed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal, tell_seed);
  }
  return seed->count() > 0 ? run_single(arguments) : run_many(arguments);
}
