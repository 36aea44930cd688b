// How long it takes to describe, cut and walk the merge of a layer's 128 experts.

#include <benchmark/benchmark.h>

#include <vector>

#include "views/copies.hpp"
#include "views/operations.hpp"
#include "views/source_ranges.hpp"
#include "views/units.hpp"

namespace {

using namespace plimsoll::views;

View merged() {
  std::vector<View> gates, ups;
  for (std::uint32_t i = 0; i < 128; ++i) {
    gates.push_back(whole(i, {768, 2048}).value());
    ups.push_back(whole(128 + i, {768, 2048}).value());
  }
  return concatenate(std::vector{stack(gates, 0).value(), stack(ups, 0).value()}, 1).value();
}

void describe(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(merged());
}
BENCHMARK(describe);

void cut(benchmark::State& state) {
  const View view = merged();
  for (auto _ : state) benchmark::DoNotOptimize(cut_units(view, {524288, 64}));
}
BENCHMARK(cut);

void ranges_and_copies_of_a_unit(benchmark::State& state) {
  const View view = merged();
  const Units units = cut_units(view, {524288, 64}).value();
  std::size_t next = 0;
  for (auto _ : state) {
    const Region& region = units.regions[next++ % units.regions.size()];
    benchmark::DoNotOptimize(source_ranges(view, region));
    for_each_copy(view, region, [](const StridedBox& copy) { benchmark::DoNotOptimize(copy); });
  }
}
BENCHMARK(ranges_and_copies_of_a_unit);

}  // namespace
