// How many bytes of source a core casts in a second, from L2 into memory it has written before;
// `copy` is what the machine allows.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "codecs/cast.hpp"
#include "numbers.hpp"

namespace {

using plimsoll::Dtype;
using namespace plimsoll::codecs;

void convert(benchmark::State& state, Dtype from, Dtype to) {
  const auto source = bench::weights(from);
  const std::size_t count = source.size() / (plimsoll::bits_of(from) / 8);
  std::vector<std::byte> destination(count * (plimsoll::bits_of(to) / 8));
  for (auto _ : state) {
    cast(from, source.data(), to, destination.data(), count);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

void copy(benchmark::State& state) {
  const auto source = bench::weights(Dtype::bf16);
  std::vector<std::byte> destination(source.size());
  for (auto _ : state) {
    std::memcpy(destination.data(), source.data(), source.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

const bool registered = [] {
  const std::pair<Dtype, Dtype> pairs[] = {
      {Dtype::bf16, Dtype::f32},    {Dtype::bf16, Dtype::f16},    {Dtype::f16, Dtype::f32},
      {Dtype::f16, Dtype::bf16},    {Dtype::f32, Dtype::bf16},    {Dtype::f32, Dtype::f16},
      {Dtype::f8_e4m3, Dtype::f32}, {Dtype::f8_e4m3, Dtype::bf16}};
  for (const auto& [from, to] : pairs) {
    const std::string name =
        "cast/" + std::string(plimsoll::name_of(from)) + "/" + std::string(plimsoll::name_of(to));
    benchmark::RegisterBenchmark(name.c_str(), convert, from, to);
  }
  benchmark::RegisterBenchmark("copy", copy);
  return true;
}();

}  // namespace
