#include "simulation/many_seeds.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace plimsoll::simulation {
namespace {

void add(SeedsReport& sum, SimulationReport report) {
  sum.seeds += 1;
  sum.loads += report.loads;
  sum.ended_well += report.ended_well;
  sum.units += report.units;
  sum.packed += report.packed;
  sum.ggml += report.ggml;
  sum.gguf += report.gguf;
  sum.steps += report.steps;
  if (report.finding && (!sum.failed || report.seed < sum.failed->seed)) {
    sum.failed = std::move(report);
  }
}

SeedsReport joined(const std::vector<SeedsReport>& parts) {
  SeedsReport all;
  for (const SeedsReport& part : parts) {
    all.seeds += part.seeds;
    all.loads += part.loads;
    all.ended_well += part.ended_well;
    all.units += part.units;
    all.packed += part.packed;
    all.ggml += part.ggml;
    all.gguf += part.gguf;
    all.steps += part.steps;
    if (part.failed && (!all.failed || part.failed->seed < all.failed->seed)) {
      all.failed = part.failed;
    }
  }
  return all;
}

}  // namespace

SeedsReport simulate_many(std::uint64_t first, std::uint64_t count, unsigned threads,
                          const SimulationOptions& options) {
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> found{false};
  std::vector<SeedsReport> parts(std::max(threads, 1u));
  const auto work = [&](SeedsReport& part) {
    for (;;) {
      const std::uint64_t index = next.fetch_add(1);
      if (index >= count || found.load()) return;
      add(part, simulate(first + index, options));
      if (part.failed) found.store(true);
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    others.emplace_back([&, i] { work(parts[i]); });
  }
  work(parts[0]);
  for (std::thread& other : others) other.join();
  return joined(parts);
}

std::string failure_line(const SimulationReport& failed) {
  const std::string seed = std::to_string(failed.seed);
  return "seed " + seed + ": " + failed.finding.value_or("holds") +
         "; repeat with: " + repeat_command + seed;
}

}  // namespace plimsoll::simulation
