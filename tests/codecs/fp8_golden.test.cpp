#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "catch.hpp"
#include "codecs/fp8.hpp"
#include "golden_file.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using plimsoll::codecs::test::GoldenFile;
using plimsoll::codecs::test::GoldenTensor;

namespace {

constexpr auto golden_name = "fp8_finegrained.safetensors";

struct Shape {
  std::size_t matrices, rows, columns, tile_rows, tile_columns;
};

struct GoldenCase {
  std::string name;
  Shape shape;
};

const std::vector<GoldenCase> golden_cases = {
    {"normal", {1, 128, 384, 128, 128}},       {"ties_scale_1", {1, 128, 128, 128, 128}},
    {"tiles_8x16", {1, 64, 1024, 8, 16}},      {"tiny_f32", {1, 128, 128, 128, 128}},
    {"negative_max", {1, 128, 128, 128, 128}}, {"mixed_blocks", {1, 256, 256, 128, 128}},
    {"experts", {2, 256, 128, 128, 128}},      {"experts_zero_block", {2, 128, 256, 128, 128}},
};

std::size_t up(std::size_t size, std::size_t tile) {
  return (size + tile - 1) / tile;
}

struct Quantized {
  std::vector<std::byte> codes;
  std::vector<std::byte> scales;
};

/// Matrix by matrix, as the experts of a merged tensor come.
Quantized quantize(decltype(&fp8_block_quantize) function, const GoldenTensor& input,
                   const Shape& shape, const Format& format) {
  const auto source = input.as<std::byte>();
  const std::size_t scale_bytes = format.scale == Fp8Scale::ue8m0 ? 1 : 4;
  const std::size_t tiles_per_row = up(shape.columns, shape.tile_columns);
  const std::size_t scales = up(shape.rows, shape.tile_rows) * tiles_per_row;
  Quantized result;
  result.codes.resize(input.count());
  result.scales.resize(shape.matrices * scales * scale_bytes);
  for (std::size_t matrix = 0; matrix < shape.matrices; ++matrix) {
    const std::size_t elements = shape.rows * shape.columns;
    function(input.dtype, source.data() + matrix * elements * (bits_of(input.dtype) / 8),
             {shape.rows, shape.columns, shape.columns, shape.columns, tiles_per_row,
              shape.tile_rows, shape.tile_columns},
             format, result.codes.data() + matrix * elements,
             result.scales.data() + matrix * scales * scale_bytes);
  }
  return result;
}

/// NaN is compared as a class: its sign is not part of the recipe.
bool same_codes(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  const auto code = [](std::byte byte) {
    const auto magnitude = byte & std::byte{0x7F};
    return magnitude == std::byte{0x7F} ? magnitude : byte;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](std::byte x, std::byte y) { return code(x) == code(y); });
}

bool same_scales(const std::vector<std::byte>& ours, const GoldenTensor& golden) {
  if (golden.dtype != Dtype::f32) return ours == golden.as<std::byte>();
  const auto theirs = golden.as<float>();
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    float scale = 0;
    std::memcpy(&scale, ours.data() + i * sizeof scale, sizeof scale);
    const bool both_nan = scale != scale && theirs[i] != theirs[i];
    if (!both_nan && std::memcmp(&scale, &theirs[i], sizeof scale) != 0) return false;
  }
  return ours.size() == theirs.size() * sizeof(float);
}

}  // namespace

TEST_CASE("block-wise fp8 of the transformers recipe equals the library's byte for byte") {
  const GoldenFile golden(golden_name);
  std::size_t compared = 0;
  for (const auto& [name, shape] : golden_cases) {
    for (const std::string dtype : {"f32", "bf16"}) {
      for (const auto& [kind, scale] :
           {std::pair{"float", Fp8Scale::f32}, std::pair{"ue8m0", Fp8Scale::ue8m0}}) {
        const std::string prefix = name + "." + dtype;
        const std::string result = prefix + "." + kind;
        if (!golden.tensors().contains(result + ".weight")) continue;
        INFO(result);
        Format format = {.kind = FormatKind::fp8_block};
        format.recipe = Fp8Recipe::transformers;
        format.scale = scale;
        for (const auto function : {fp8_block_quantize_scalar, fp8_block_quantize}) {
          const Quantized ours = quantize(function, golden.at(prefix + ".input"), shape, format);
          CHECK((ours.codes == golden.at(result + ".weight").as<std::byte>()));
          CHECK((ours.scales == golden.at(result + ".weight_scale_inv").as<std::byte>()));
        }
        ++compared;
      }
    }
  }
  CHECK(compared == 18);
}

TEST_CASE("the recipes finegrained and vllm equal torch's arithmetic, non-finite tiles included") {
  const GoldenFile golden("fp8_recipes.safetensors");
  const std::vector<GoldenCase> cases = {{"edges", {1, 128, 512, 8, 16}},
                                         {"odd", {1, 70, 109, 16, 32}},
                                         {"tiny", {1, 64, 128, 8, 16}},
                                         {"nonfinite", {1, 24, 48, 8, 16}}};
  std::size_t compared = 0;
  for (const auto& [name, shape] : cases) {
    for (const std::string dtype : {"f32", "bf16", "f16"}) {
      for (const auto& [recipe_name, recipe] :
           {std::pair{"finegrained", Fp8Recipe::finegrained}, std::pair{"vllm", Fp8Recipe::vllm}}) {
        for (const auto& [kind, scale] :
             {std::pair{"float", Fp8Scale::f32}, std::pair{"ue8m0", Fp8Scale::ue8m0}}) {
          const std::string prefix = name + "." + dtype;
          const std::string result = prefix + "." + recipe_name + "." + kind;
          if (!golden.tensors().contains(result + ".codes")) continue;
          INFO(result);
          Format format = {.kind = FormatKind::fp8_block};
          format.recipe = recipe;
          format.scale = scale;
          for (const auto function : {fp8_block_quantize_scalar, fp8_block_quantize}) {
            const Quantized ours = quantize(function, golden.at(prefix + ".input"), shape, format);
            CHECK(same_codes(ours.codes, golden.at(result + ".codes").as<std::byte>()));
            CHECK(same_scales(ours.scales, golden.at(result + ".scales")));
          }
          ++compared;
        }
      }
    }
  }
  CHECK(compared == 37);
}

TEST_CASE("decoded block-wise fp8 equals transformers bit for bit in every dtype") {
  const GoldenFile golden(golden_name);
  std::size_t compared = 0;
  for (const auto& [name, expected] : golden.tensors()) {
    const std::size_t place = name.find(".dequant_");
    if (place == std::string::npos) continue;
    INFO(name);
    const std::string prefix = name.substr(0, place);
    Shape shape = {1, 128, 384, 128, 128};  // of the case with scales in bf16
    for (const auto& golden_case : golden_cases) {
      if (prefix.starts_with(golden_case.name + ".")) shape = golden_case.shape;
    }
    const Fp8Grid grid = {shape.rows, shape.columns, shape.tile_rows, shape.tile_columns};
    const auto codes = golden.at(prefix + ".weight").as<std::byte>();
    const GoldenTensor& scales = golden.at(prefix + ".weight_scale_inv");
    const auto scale_bytes = scales.as<std::byte>();
    for (const auto function : {fp8_block_dequantize_scalar, fp8_block_dequantize}) {
      std::vector<std::byte> decoded(expected.bytes.size());
      function(codes.data(), 0, expected.count(), grid, scales.dtype, scale_bytes.data(),
               expected.dtype, decoded.data());
      CHECK((decoded == expected.as<std::byte>()));
    }
    ++compared;
  }
  CHECK(compared == 21);
}
