// The vector code against the scalar code, byte for byte, on every instruction set there is.

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "catch.hpp"
#include "codecs/float_bits.hpp"
#include "codecs/fp8.hpp"
#include "simd_targets.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using plimsoll::codecs::test::for_each_simd_target;

namespace {

constexpr Dtype dtypes[] = {Dtype::bf16, Dtype::f16, Dtype::f32};

std::vector<Format> block_formats() {
  std::vector<Format> formats;
  for (const auto recipe : {Fp8Recipe::finegrained, Fp8Recipe::transformers, Fp8Recipe::vllm}) {
    for (const auto scale : {Fp8Scale::f32, Fp8Scale::ue8m0}) {
      Format format = {.kind = FormatKind::fp8_block};
      format.recipe = recipe;
      format.scale = scale;
      formats.push_back(format);
    }
  }
  return formats;
}

void store(std::vector<std::byte>& bytes, std::size_t index, Dtype dtype, float number) {
  const std::uint32_t bits = dtype == Dtype::f32   ? std::bit_cast<std::uint32_t>(number)
                             : dtype == Dtype::f16 ? f16_from_f32(number)
                                                   : bf16_from_f32(number);
  const std::size_t width = bits_of(dtype) / 8;
  std::memcpy(bytes.data() + index * width, &bits, width);
}

/// Numbers like weights; one in `any_bits_once_in` has any bits at all, unless that is 0.
std::vector<std::byte> numbers(std::mt19937& random, Dtype dtype, std::size_t count, float scale,
                               unsigned any_bits_once_in) {
  std::vector<std::byte> bytes(count * (bits_of(dtype) / 8));
  std::normal_distribution<float> bell(0.0f, scale);
  for (std::size_t i = 0; i < count; ++i) {
    if (any_bits_once_in != 0 && random() % any_bits_once_in == 0) {
      const auto bits = static_cast<std::uint32_t>(random());
      const std::size_t width = bits_of(dtype) / 8;
      std::memcpy(bytes.data() + i * width, &bits, width);
    } else {
      store(bytes, i, dtype, bell(random));
    }
  }
  return bytes;
}

/// Codes and scales with all that lies between and after the rows, which nobody may write.
struct Result {
  std::vector<std::byte> codes;
  std::vector<std::byte> scales;
  bool operator==(const Result&) const = default;
};

Result run(decltype(&fp8_block_quantize) function, Dtype dtype,
           const std::vector<std::byte>& source, const Fp8Tiles& tiles, const Format& format) {
  const std::size_t tile_rows = (tiles.rows + tiles.tile_rows - 1) / tiles.tile_rows;
  Result result;
  result.codes.resize(tiles.rows * tiles.code_stride + 8, std::byte{0xA5});
  result.scales.resize((tile_rows * tiles.scale_stride + 1) * 4, std::byte{0x5A});
  function(dtype, source.data(), tiles, format, result.codes.data(), result.scales.data());
  return result;
}

void check_all_targets(Dtype dtype, const std::vector<std::byte>& source, const Fp8Tiles& tiles) {
  for (const Format& format : block_formats()) {
    const Result expected = run(fp8_block_quantize_scalar, dtype, source, tiles, format);
    for_each_simd_target([&](const char* target) {
      INFO(target << ", " << name_of(dtype) << ", recipe " << static_cast<int>(format.recipe)
                  << ", scale " << static_cast<int>(format.scale) << ", " << tiles.rows << " x "
                  << tiles.columns);
      CHECK((run(fp8_block_quantize, dtype, source, tiles, format) == expected));
    });
  }
}

}  // namespace

TEST_CASE("tiles of every size and stride quantize the same on every instruction set") {
  std::mt19937 random(3);
  const Fp8Tiles shapes[] = {{1, 1, 1, 1, 1, 128, 128},        {128, 128, 128, 128, 1, 128, 128},
                             {5, 300, 311, 304, 4, 128, 128},  {257, 129, 129, 140, 2, 128, 128},
                             {40, 70, 71, 70, 9, 8, 16},       {9, 33, 40, 33, 40, 1, 1},
                             {130, 517, 517, 520, 5, 64, 128}, {33, 95, 96, 95, 7, 32, 17}};
  for (const Dtype dtype : dtypes) {
    for (const Fp8Tiles& tiles : shapes) {
      for (const unsigned any_bits_once_in : {0u, 3u, 1000u}) {
        const auto source =
            numbers(random, dtype, tiles.rows * tiles.source_stride, 0.02f, any_bits_once_in);
        check_all_targets(dtype, source, tiles);
      }
    }
  }
}

TEST_CASE("tiles of any magnitude, subnormal ones too, quantize the same") {
  std::mt19937 random(4);
  for (const Dtype dtype : dtypes) {
    const Fp8Tiles tiles = {16, 64, 64, 64, 2, 8, 32};
    for (int exponent = -149; exponent < 128; exponent += 3) {
      check_all_targets(dtype, numbers(random, dtype, 16 * 64, std::ldexp(0.25f, exponent), 0),
                        tiles);
    }
  }
}

TEST_CASE("tiles of zeros of either sign quantize the same") {
  for (const Dtype dtype : dtypes) {
    std::vector<std::byte> source(16 * 64 * (bits_of(dtype) / 8));
    for (std::size_t i = 0; i < 16 * 64; i += 3) store(source, i, dtype, -0.0f);
    check_all_targets(dtype, source, {16, 64, 64, 64, 2, 8, 32});
  }
}

TEST_CASE("every 16-bit pattern quantizes the same under any scale of a tensor") {
  std::vector<std::uint16_t> patterns(65536 + 5);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  const auto* source = reinterpret_cast<const std::byte*>(patterns.data());
  for (const Dtype dtype : {Dtype::bf16, Dtype::f16}) {
    for (const float scale : {1.0f, 0.37f, 1e-3f, 1e30f, 1e-38f, 1e-45f, 0.0f, INFINITY, NAN}) {
      std::vector<std::byte> expected(patterns.size());
      fp8_tensor_quantize_scalar(dtype, source, patterns.size(), scale, expected.data());
      for_each_simd_target([&](const char* target) {
        INFO(target << ", " << name_of(dtype) << ", scale " << scale);
        std::vector<std::byte> codes(patterns.size());
        fp8_tensor_quantize(dtype, source, patterns.size(), scale, codes.data());
        CHECK((codes == expected));
      });
    }
  }
}

TEST_CASE("the largest magnitude and a tensor's codes are the same at every count") {
  std::mt19937 random(6);
  for (const Dtype dtype : dtypes) {
    for (std::size_t count = 0; count < 200; ++count) {
      const auto source = numbers(random, dtype, count, 1.0f, count % 2 == 0 ? 0 : 20);
      const float largest = fp8_absmax_scalar(dtype, source.data(), count);
      std::vector<std::byte> expected(count);
      fp8_tensor_quantize_scalar(dtype, source.data(), count, 0.3f, expected.data());
      for_each_simd_target([&](const char* target) {
        INFO(target << ", " << name_of(dtype) << ", " << count);
        CHECK(fp8_absmax(dtype, source.data(), count) == largest);
        std::vector<std::byte> codes(count);
        fp8_tensor_quantize(dtype, source.data(), count, 0.3f, codes.data());
        CHECK((codes == expected));
      });
    }
  }
}

TEST_CASE("any part of any grid decodes the same on every instruction set") {
  std::mt19937 random(7);
  const Fp8Grid grids[] = {
      {64, 257, 32, 128}, {3, 5, 2, 2}, {7, 1, 3, 1}, {40, 100, 40, 100}, {10, 64, 1, 32}};
  for (const Fp8Grid& grid : grids) {
    const std::uint64_t total = 3 * grid.rows * grid.columns;
    const std::uint64_t scale_count =
        (fp8_tile_row(grid, total - 1) + 1) * fp8_scales_per_row(grid);
    for (const Dtype scale_dtype : {Dtype::f32, Dtype::bf16, Dtype::f16, Dtype::f8_e8m0}) {
      std::vector<std::byte> codes(total);
      std::vector<std::byte> scales(scale_count * (bits_of(scale_dtype) / 8));
      for (auto& code : codes) code = static_cast<std::byte>(random());
      for (auto& byte : scales) byte = static_cast<std::byte>(random());
      for (std::size_t i = 0; i < codes.size(); ++i) {  // most runs without NaN
        if (i % 700 != 0 && (codes[i] & std::byte{0x7F}) == std::byte{0x7F}) codes[i] = {};
      }
      for (const Dtype to : dtypes) {
        for (const std::uint64_t first : {std::uint64_t{0}, random() % total, random() % total}) {
          const std::size_t count = 1 + random() % (total - first);
          const std::byte* row_scales = scales.data() + fp8_tile_row(grid, first) *
                                                            fp8_scales_per_row(grid) *
                                                            (bits_of(scale_dtype) / 8);
          std::vector<std::byte> expected(count * (bits_of(to) / 8));
          fp8_block_dequantize_scalar(codes.data() + first, first, count, grid, scale_dtype,
                                      row_scales, to, expected.data());
          for_each_simd_target([&](const char* target) {
            INFO(target << ", scales " << name_of(scale_dtype) << ", to " << name_of(to) << ", "
                        << count << " from " << first << " of " << grid.columns);
            std::vector<std::byte> decoded(expected.size());
            fp8_block_dequantize(codes.data() + first, first, count, grid, scale_dtype, row_scales,
                                 to, decoded.data());
            CHECK((decoded == expected));
          });
        }
      }
    }
  }
}
