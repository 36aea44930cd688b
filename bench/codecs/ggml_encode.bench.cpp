// How many bytes of fp32 weights a core turns into blocks of a GGUF type in a second. Names end in
// `importance` where the searches have a matrix of it. `scalar` is the reference the vector code is
// compared with.

#include <benchmark/benchmark.h>

#include <string>

#include "codecs/ggml/encode.hpp"
#include "numbers.hpp"

namespace {

using plimsoll::Dtype;
using namespace plimsoll::codecs;

constexpr std::size_t columns = 1024;

std::vector<float> importance() {
  const auto bytes = bench::weights(Dtype::f32);
  const auto* numbers = reinterpret_cast<const float*>(bytes.data());
  std::vector<float> squares(columns);
  for (std::size_t i = 0; i < columns; ++i) squares[i] = numbers[i] * numbers[i];
  return squares;
}

/// Bytes a second are those of the numbers as fp32, whatever their dtype.
void encode(benchmark::State& state, decltype(&ggml::encode) function, ggml::Type type, Dtype dtype,
            bool weighted) {
  const auto source = bench::weights(dtype);
  const auto importance_of_columns = importance();
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  ggml::Rows rows{dtype, source.data(), count / columns, columns, nullptr};
  if (weighted) rows.importance = importance_of_columns.data();
  const ggml::Traits& traits = ggml::traits_of(type);
  std::vector<std::byte> blocks(count / traits.block_elements * traits.block_bytes);
  ggml::prepare_encoder(type);
  for (auto _ : state) {
    function(type, rows, blocks.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * count * sizeof(float)));
}

const bool registered = [] {
  using ggml::Type;
  for (const Type type : {Type::q4_0, Type::q4_1, Type::q5_0, Type::q5_1, Type::q8_0, Type::q2_k,
                          Type::q3_k, Type::q4_k, Type::q5_k, Type::q6_k}) {
    const std::string name(ggml::traits_of(type).name);
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
      const std::string its_name = "ggml_encode/" + name + "/" + std::string(name_of(dtype));
      benchmark::RegisterBenchmark(its_name.c_str(), encode, ggml::encode, type, dtype, false);
      if (ggml::traits_of(type).importance == ggml::Importance::ignored) continue;
      benchmark::RegisterBenchmark((its_name + "/importance").c_str(), encode, ggml::encode, type,
                                   dtype, true);
    }
    benchmark::RegisterBenchmark(("ggml_encode_scalar/" + name).c_str(), encode,
                                 ggml::encode_scalar, type, Dtype::f32, false);
  }
  return true;
}();

}  // namespace
