// How many bytes of elements a core decodes from GGUF blocks in a second, from L2 into memory it
// has written before. `scalar` is the reference the vector code is compared with.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "codecs/ggml/decode.hpp"
#include "numbers.hpp"

namespace {

using plimsoll::Dtype;
using namespace plimsoll::codecs;
using ggml::Type;

/// Blocks with any codes, and with scales that are numbers: bytes that are no f16 infinity or NaN.
std::vector<std::byte> blocks_of(Type type, std::size_t count) {
  std::mt19937 random(1);
  std::vector<std::byte> blocks(count * ggml::traits_of(type).block_bytes);
  for (std::byte& byte : blocks) {
    do byte = static_cast<std::byte>(random());
    while ((byte & std::byte{0x7C}) == std::byte{0x7C});
  }
  return blocks;
}

void decode(benchmark::State& state, decltype(&ggml::decode) function, Type type, Dtype dtype) {
  const std::size_t width = plimsoll::bits_of(dtype) / 8;
  const std::size_t count = bench::unit_bytes / width / ggml::traits_of(type).block_elements;
  const auto blocks = blocks_of(type, count);
  std::vector<std::byte> decoded(bench::unit_bytes);
  for (auto _ : state) {
    function(type, blocks.data(), count, dtype, decoded.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * decoded.size()));
}

const bool registered = [] {
  for (std::uint32_t id = 0; id < 64; ++id) {
    const auto type = ggml::type_of(id);
    if (!type || !ggml::can_decode(*type)) continue;
    const std::string name(ggml::traits_of(*type).name);
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
      const std::string both = name + "/" + std::string(plimsoll::name_of(dtype));
      benchmark::RegisterBenchmark(("ggml_decode/" + both).c_str(), decode, ggml::decode, *type,
                                   dtype);
    }
    benchmark::RegisterBenchmark(("ggml_decode_scalar/" + name + "/BF16").c_str(), decode,
                                 ggml::decode_scalar, *type, Dtype::bf16);
  }
  return true;
}();

}  // namespace
