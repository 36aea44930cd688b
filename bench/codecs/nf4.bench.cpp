// How many bytes of weights a core turns into NF4 in a second, from L2 into memory it has written
// before. `scalar` is the reference the vector code is compared with.

#include <benchmark/benchmark.h>

#include <string>

#include "codecs/nf4.hpp"
#include "numbers.hpp"

namespace {

using plimsoll::Dtype;
using namespace plimsoll::codecs;

using Quantize = decltype(&nf4_quantize);

void quantize(benchmark::State& state, Quantize function, Dtype dtype, std::uint32_t blocksize) {
  const auto source = bench::weights(dtype);
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  std::vector<std::byte> packed(count / 2);
  std::vector<float> absmax(count / blocksize);
  for (auto _ : state) {
    function(dtype, source.data(), count, Nf4Variant::cuda, blocksize, packed.data(),
             absmax.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

void dequantize(benchmark::State& state, Dtype dtype) {
  const auto source = bench::weights(dtype);
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  std::vector<std::byte> packed(count / 2);
  std::vector<float> absmax(count / 64);
  std::vector<std::byte> decoded(source.size());
  nf4_quantize(dtype, source.data(), count, Nf4Variant::cuda, 64, packed.data(), absmax.data());
  for (auto _ : state) {
    nf4_dequantize(packed.data(), absmax.data(), count, 64, dtype, decoded.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * decoded.size()));
}

const bool registered = [] {
  for (const Dtype dtype : {Dtype::bf16, Dtype::f16, Dtype::f32}) {
    const std::string name(plimsoll::name_of(dtype));
    for (std::uint32_t blocksize = 32; blocksize <= 4096; blocksize *= 2) {
      benchmark::RegisterBenchmark(("nf4/" + name + "/" + std::to_string(blocksize)).c_str(),
                                   quantize, nf4_quantize, dtype, blocksize);
    }
    benchmark::RegisterBenchmark(("nf4_scalar/" + name + "/64").c_str(), quantize,
                                 nf4_quantize_scalar, dtype, 64u);
    benchmark::RegisterBenchmark(("nf4_dequantize/" + name + "/64").c_str(), dequantize, dtype);
  }
  return true;
}();

}  // namespace
