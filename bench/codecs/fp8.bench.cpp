// How many bytes of weights a core turns into FP8 in a second, or back, from L2 into memory it has
// written before. `scalar` is the reference the vector code is compared with.

#include <benchmark/benchmark.h>

#include <string>

#include "codecs/fp8.hpp"
#include "numbers.hpp"

namespace {

using plimsoll::Dtype;
using namespace plimsoll::codecs;

constexpr std::size_t tile_columns_of_unit = 16;
constexpr std::size_t columns = tile_columns_of_unit * fp8_tile;

Format block_format(Fp8Recipe recipe, Fp8Scale scale) {
  Format format = {.kind = FormatKind::fp8_block};
  format.recipe = recipe;
  format.scale = scale;
  return format;
}

/// The unit as rows of a matrix; for F32 its last tiles are half as high.
void block_quantize(benchmark::State& state, decltype(&fp8_block_quantize) function, Dtype dtype,
                    Format format) {
  const auto source = bench::weights(dtype);
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  const std::size_t rows = count / columns;
  std::vector<std::byte> codes(count);
  std::vector<std::byte> scales((rows / fp8_tile + 1) * tile_columns_of_unit * sizeof(float));
  const Fp8Tiles tiles = {rows, columns, columns, columns, tile_columns_of_unit};
  for (auto _ : state) {
    function(dtype, source.data(), tiles, format, codes.data(), scales.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

void absmax(benchmark::State& state, Dtype dtype) {
  const auto source = bench::weights(dtype);
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  for (auto _ : state) benchmark::DoNotOptimize(fp8_absmax(dtype, source.data(), count));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

void tensor_quantize(benchmark::State& state, Dtype dtype) {
  const auto source = bench::weights(dtype);
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  std::vector<std::byte> codes(count);
  const float scale = fp8_tensor_scale(fp8_absmax(dtype, source.data(), count));
  for (auto _ : state) {
    fp8_tensor_quantize(dtype, source.data(), count, scale, codes.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

/// Bytes of what is decoded count.
void dequantize(benchmark::State& state, decltype(&fp8_block_dequantize) function, Dtype dtype) {
  const auto source = bench::weights(dtype);
  const std::size_t count = source.size() / (plimsoll::bits_of(dtype) / 8);
  const std::size_t rows = count / columns;
  std::vector<std::byte> codes(count);
  std::vector<std::byte> scales((rows / fp8_tile + 1) * tile_columns_of_unit * sizeof(float));
  fp8_block_quantize(dtype, source.data(), {rows, columns, columns, columns, tile_columns_of_unit},
                     block_format(Fp8Recipe::finegrained, Fp8Scale::f32), codes.data(),
                     scales.data());
  std::vector<std::byte> decoded(source.size());
  for (auto _ : state) {
    function(codes.data(), 0, count, {rows, columns}, Dtype::f32, scales.data(), dtype,
             decoded.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * decoded.size()));
}

const bool registered = [] {
  const std::pair<const char*, Fp8Recipe> recipes[] = {{"finegrained", Fp8Recipe::finegrained},
                                                       {"transformers", Fp8Recipe::transformers},
                                                       {"vllm", Fp8Recipe::vllm}};
  const Format plain = block_format(Fp8Recipe::finegrained, Fp8Scale::f32);
  for (const Dtype dtype : {Dtype::bf16, Dtype::f16, Dtype::f32}) {
    const std::string name(plimsoll::name_of(dtype));
    for (const auto& [recipe_name, recipe] : recipes) {
      benchmark::RegisterBenchmark(("fp8_block/" + name + "/" + recipe_name).c_str(),
                                   block_quantize, fp8_block_quantize, dtype,
                                   block_format(recipe, Fp8Scale::f32));
    }
    benchmark::RegisterBenchmark(("fp8_block/" + name + "/finegrained/ue8m0").c_str(),
                                 block_quantize, fp8_block_quantize, dtype,
                                 block_format(Fp8Recipe::finegrained, Fp8Scale::ue8m0));
    benchmark::RegisterBenchmark(("fp8_block_scalar/" + name).c_str(), block_quantize,
                                 fp8_block_quantize_scalar, dtype, plain);
    benchmark::RegisterBenchmark(("fp8_absmax/" + name).c_str(), absmax, dtype);
    benchmark::RegisterBenchmark(("fp8_tensor/" + name).c_str(), tensor_quantize, dtype);
    benchmark::RegisterBenchmark(("fp8_dequantize/" + name).c_str(), dequantize,
                                 fp8_block_dequantize, dtype);
    benchmark::RegisterBenchmark(("fp8_dequantize_scalar/" + name).c_str(), dequantize,
                                 fp8_block_dequantize_scalar, dtype);
  }
  return true;
}();

}  // namespace
