#include "codecs/fp8.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "codecs/float8.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float quiet_nan = std::numeric_limits<float>::quiet_NaN();

const std::byte* bytes_of(const std::vector<float>& numbers) {
  return reinterpret_cast<const std::byte*>(numbers.data());
}

std::vector<unsigned> tensor_codes(const std::vector<float>& numbers, float scale) {
  std::vector<std::byte> codes(numbers.size());
  fp8_tensor_quantize(Dtype::f32, bytes_of(numbers), numbers.size(), scale, codes.data());
  std::vector<unsigned> values;
  for (const std::byte code : codes) values.push_back(std::to_integer<unsigned>(code));
  return values;
}

struct OneTile {
  std::vector<unsigned> codes;
  float scale = 0;
};

OneTile quantize_tile(const std::vector<float>& numbers, Fp8Recipe recipe) {
  Format format = {.kind = FormatKind::fp8_block};
  format.recipe = recipe;
  std::vector<std::byte> codes(numbers.size());
  OneTile result;
  fp8_block_quantize(Dtype::f32, bytes_of(numbers),
                     {1, numbers.size(), numbers.size(), numbers.size(), 1, 1, numbers.size()},
                     format, codes.data(), reinterpret_cast<std::byte*>(&result.scale));
  for (const std::byte code : codes) result.codes.push_back(std::to_integer<unsigned>(code));
  return result;
}

}  // namespace

TEST_CASE("every fp8 code comes back from the number it stands for") {
  for (unsigned code = 0; code < 256; ++code) {
    if ((code & 0x7Fu) == 0x7Fu) continue;
    const float value = f32_from_e4m3(static_cast<std::uint8_t>(code));
    CHECK(tensor_codes({value}, 1.0f) == std::vector{code});
  }
}

TEST_CASE("a number halfway between two fp8 codes becomes the even one, beside it the nearer one") {
  for (unsigned code = 0; code < 126; ++code) {
    const float below = f32_from_e4m3(static_cast<std::uint8_t>(code));
    const float above = f32_from_e4m3(static_cast<std::uint8_t>(code + 1));
    const float halfway = (below + above) / 2;
    INFO(code);
    CHECK(tensor_codes({halfway, std::nextafter(halfway, 0.0f), std::nextafter(halfway, infinity)},
                       1.0f) == std::vector{code + code % 2, code, code + 1});
  }
}

TEST_CASE("one scale a tensor clamps what exceeds it, and NaN keeps its sign") {
  CHECK(tensor_codes({449.0f, -1e30f, infinity, -infinity, quiet_nan,
                      std::copysign(quiet_nan, -1.0f), -0.0f},
                     1.0f) == std::vector{0x7Eu, 0xFEu, 0x7Eu, 0xFEu, 0x7Fu, 0xFFu, 0x80u});
  CHECK(tensor_codes({infinity, 3.0f, -3.0f}, fp8_tensor_scale(infinity)) ==
        std::vector{0x7Fu, 0x00u, 0x80u});
}

TEST_CASE("the largest magnitude of a tensor is that of its parts, and NaN counts for nothing") {
  const std::vector<float> numbers = {1.0f, quiet_nan, -7.0f, 2.0f, quiet_nan, -0.0f};
  CHECK(fp8_absmax(Dtype::f32, bytes_of(numbers), 6) == 7.0f);
  CHECK(fp8_absmax(Dtype::f32, bytes_of(numbers), 2) == 1.0f);
  CHECK(fp8_absmax(Dtype::f32, bytes_of(numbers) + 16, 2) == 0.0f);
  CHECK(fp8_absmax(Dtype::f32, bytes_of(numbers), 0) == 0.0f);
  CHECK(fp8_absmax(Dtype::f32, bytes_of({2.0f, -infinity}), 2) == infinity);
}

TEST_CASE("a tensor of zeros, or of less than fp8 can scale, has the scale 1 and codes of zero") {
  CHECK(fp8_tensor_scale(0.0f) == 1.0f);
  CHECK(fp8_tensor_scale(896.0f) == 2.0f);
  const float tiny = std::ldexp(1.0f, -125);
  CHECK(fp8_tensor_scale(tiny) == 1.0f);
  CHECK(tensor_codes({tiny, -0.0f}, fp8_tensor_scale(tiny)) == std::vector{0x00u, 0x80u});
  const float small = std::ldexp(448.0f, -127);
  CHECK(tensor_codes({small, 0.0f}, fp8_tensor_scale(small)) == std::vector{0x7Eu, 0x00u});
}

TEST_CASE("a tile of zeros has the scale 1, and of vllm the smallest it allows") {
  for (const auto recipe : {Fp8Recipe::finegrained, Fp8Recipe::transformers}) {
    CHECK(quantize_tile({0.0f, -0.0f}, recipe).scale == 1.0f);
  }
  const OneTile tile = quantize_tile({0.0f, -0.0f}, Fp8Recipe::vllm);
  CHECK(tile.scale == 1e-4f / 448.0f);
  CHECK(tile.codes == std::vector{0x00u, 0x80u});
}

TEST_CASE("a NaN in a tile makes its scale 1, and of vllm NaN") {
  for (const auto recipe : {Fp8Recipe::finegrained, Fp8Recipe::transformers}) {
    const OneTile tile = quantize_tile({2.0f, quiet_nan, -500.0f}, recipe);
    CHECK(tile.scale == 1.0f);
    CHECK(tile.codes == std::vector{0x40u, 0x7Fu, 0xFEu});
  }
  const OneTile tile = quantize_tile({2.0f, quiet_nan, -500.0f}, Fp8Recipe::vllm);
  CHECK(std::isnan(tile.scale));
  CHECK(tile.codes == std::vector{0x7Fu, 0x7Fu, 0xFFu});
}

TEST_CASE("rows of tiles are counted over matrices, in each of which tiles start anew") {
  const Fp8Grid grid = {.rows = 5, .columns = 10, .tile_rows = 2, .tile_columns = 4};
  CHECK(fp8_scales_per_row(grid) == 3);
  CHECK(fp8_tile_row(grid, 0) == 0);
  CHECK(fp8_tile_row(grid, 19) == 0);
  CHECK(fp8_tile_row(grid, 20) == 1);
  CHECK(fp8_tile_row(grid, 49) == 2);
  CHECK(fp8_tile_row(grid, 50) == 3);
  CHECK(fp8_tile_row(grid, 99) == 5);
  const Fp8Grid whole = {.rows = 5, .columns = 10, .tile_rows = 5, .tile_columns = 10};
  CHECK(fp8_scales_per_row(whole) == 1);
  CHECK(fp8_tile_row(whole, 49) == 0);
}

TEST_CASE("a part of a tensor decodes with the scales of its own rows of tiles") {
  const Fp8Grid grid = {.rows = 3, .columns = 4, .tile_rows = 2, .tile_columns = 3};
  std::vector<std::byte> codes(24, std::byte{0x38});  // 1.0
  std::vector<float> scales(8);
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = static_cast<float>(i);
  std::vector<float> decoded(24);
  fp8_block_dequantize(codes.data(), 0, 24, grid, Dtype::f32, bytes_of(scales), Dtype::f32,
                       reinterpret_cast<std::byte*>(decoded.data()));
  CHECK(decoded ==
        std::vector<float>{0, 0, 0, 1, 0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 4, 4, 4, 5, 6, 6, 6, 7});
  std::vector<float> part(7);
  const std::uint64_t first = 10;
  fp8_block_dequantize(codes.data() + first, first, 7, grid, Dtype::f32,
                       bytes_of(scales) + fp8_tile_row(grid, first) * 2 * sizeof(float), Dtype::f32,
                       reinterpret_cast<std::byte*>(part.data()));
  CHECK(part == std::vector<float>(decoded.begin() + 10, decoded.begin() + 17));
}

TEST_CASE("NaN codes and scales that are no number decode to NaN, and 2^-127 is a scale") {
  const Fp8Grid grid = {.rows = 1, .columns = 3, .tile_rows = 1, .tile_columns = 1};
  const std::vector<std::byte> codes = {std::byte{0xFF}, std::byte{0x38}, std::byte{0x38}};
  const std::vector<std::byte> scales = {std::byte{127}, std::byte{0xFF}, std::byte{0}};
  std::vector<float> decoded(3);
  fp8_block_dequantize(codes.data(), 0, 3, grid, Dtype::f8_e8m0, scales.data(), Dtype::f32,
                       reinterpret_cast<std::byte*>(decoded.data()));
  CHECK(std::isnan(decoded[0]));
  CHECK(std::isnan(decoded[1]));
  CHECK(decoded[2] == std::ldexp(1.0f, -127));
}

TEST_CASE("quantizing what was decoded gives the codes again") {
  std::vector<float> numbers;
  for (int i = 0; i < 1000; ++i) numbers.push_back(std::sin(static_cast<float>(i)) * 0.1f);
  for (const auto recipe : {Fp8Recipe::finegrained, Fp8Recipe::transformers, Fp8Recipe::vllm}) {
    const OneTile once = quantize_tile(numbers, recipe);
    std::vector<std::byte> codes;
    for (const unsigned code : once.codes) codes.push_back(static_cast<std::byte>(code));
    const Fp8Grid grid = {1, numbers.size(), 1, numbers.size()};
    std::vector<float> decoded(numbers.size());
    fp8_block_dequantize(codes.data(), 0, codes.size(), grid, Dtype::f32,
                         reinterpret_cast<const std::byte*>(&once.scale), Dtype::f32,
                         reinterpret_cast<std::byte*>(decoded.data()));
    CHECK(quantize_tile(decoded, recipe).codes == once.codes);
  }
}
