// How many bytes of fp32 weights a core quantizes in a second to the IQ, ternary, FP4 and one- and
// two-bit types. `scalar` is the definition the vector code is compared with.

#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>

#include "codecs/ggml/encode.hpp"
#include "numbers.hpp"

namespace {

using plimsoll::Dtype;
using namespace plimsoll::codecs;

constexpr std::size_t columns = 4096;
constexpr std::size_t rows_at_once = 16;  // the slowest types take milliseconds a row

std::vector<float> squares() {
  std::mt19937 random(2);
  std::normal_distribution<float> bell;
  std::vector<float> numbers(columns);
  for (float& number : numbers) number = std::pow(bell(random), 2.0f) + 1e-3f;
  return numbers;
}

void quantize(benchmark::State& state, decltype(&ggml::encode) function, ggml::Type type,
              bool with_importance) {
  const auto source = bench::weights(Dtype::f32);
  const auto importance = squares();
  const ggml::Traits& traits = ggml::traits_of(type);
  const ggml::Rows rows = {Dtype::f32, source.data(), rows_at_once, columns,
                           with_importance ? importance.data() : nullptr};
  const std::size_t elements = rows_at_once * columns;
  std::vector<std::byte> blocks(elements / traits.block_elements * traits.block_bytes);
  ggml::prepare_encoder(type);
  for (auto _ : state) {
    function(type, rows, blocks.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * elements * sizeof(float)));
}

const bool registered = [] {
  using ggml::Type;
  for (const Type type : {Type::iq1_s, Type::iq1_m, Type::iq2_xxs, Type::iq2_xs, Type::iq2_s,
                          Type::iq3_xxs, Type::iq3_s, Type::iq4_nl, Type::iq4_xs, Type::tq1_0,
                          Type::tq2_0, Type::mxfp4, Type::nvfp4, Type::q1_0, Type::q2_0}) {
    const ggml::Traits& traits = ggml::traits_of(type);
    const bool needed = traits.importance == ggml::Importance::needed;
    const std::string name = "ggml_encode/" + std::string(traits.name);
    benchmark::RegisterBenchmark(name.c_str(), quantize, ggml::encode, type, needed);
    if (traits.importance == ggml::Importance::used) {
      benchmark::RegisterBenchmark((name + "/importance").c_str(), quantize, ggml::encode, type,
                                   true);
    }
    benchmark::RegisterBenchmark((name + "/scalar").c_str(), quantize, ggml::encode_scalar, type,
                                 needed);
  }
  return true;
}();

}  // namespace
