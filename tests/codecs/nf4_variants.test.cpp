#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"
#include "codecs/float_bits.hpp"
#include "codecs/nf4.hpp"
#include "codecs/nf4_thresholds.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

struct Quantized {
  std::vector<unsigned> codes;  // the pad nibble of an odd count included
  std::vector<float> absmax;
};

Quantized quantized(Dtype dtype, const std::byte* source, std::size_t count, Nf4Variant variant,
                    std::uint32_t blocksize) {
  std::vector<std::byte> packed((count + 1) / 2);
  Quantized result;
  result.absmax.resize((count + blocksize - 1) / blocksize);
  nf4_quantize_scalar(dtype, source, count, variant, blocksize, packed.data(),
                      result.absmax.data());
  for (const std::byte byte : packed) {
    result.codes.push_back(std::to_integer<unsigned>(byte) >> 4);
    result.codes.push_back(std::to_integer<unsigned>(byte) & 15u);
  }
  return result;
}

Quantized quantized(const std::vector<float>& source, Nf4Variant variant,
                    std::uint32_t blocksize = 32) {
  return quantized(Dtype::f32, reinterpret_cast<const std::byte*>(source.data()), source.size(),
                   variant, blocksize);
}

std::vector<float> full_block(std::vector<float> start, float filling) {
  start.resize(32, filling);
  return start;
}

bool all_are(const std::vector<unsigned>& codes, unsigned code) {
  for (const unsigned one : codes) {
    if (one != code) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a block of zeros is 0x00 in the cuda variant and 0x77 in the cpu variant") {
  const auto zeros = full_block({-0.0f}, 0.0f);
  const auto cuda = quantized(zeros, Nf4Variant::cuda);
  CHECK(all_are(cuda.codes, 0));
  CHECK(cuda.absmax == std::vector<float>{0.0f});
  const auto cpu = quantized(zeros, Nf4Variant::cpu);
  CHECK(all_are(cpu.codes, 7));
  CHECK(cpu.absmax == std::vector<float>{0.0f});
}

TEST_CASE("subnormals are zeros to the cuda variant and numbers to the cpu variant") {
  const float subnormal = std::numeric_limits<float>::min() / 2;
  const auto only = full_block({subnormal}, -subnormal);
  const auto cuda = quantized(only, Nf4Variant::cuda);
  CHECK(all_are(cuda.codes, 0));
  CHECK(cuda.absmax[0] == 0.0f);
  const auto cpu = quantized(only, Nf4Variant::cpu);
  CHECK(cpu.codes[0] == 13);  // 5.88e-39 over 1e-38, the least divisor
  CHECK(cpu.absmax[0] == subnormal);

  const float smallest = std::numeric_limits<float>::min();
  const auto among_normals = full_block({smallest, subnormal}, 0.0f);
  CHECK(quantized(among_normals, Nf4Variant::cuda).codes[1] == 7);
  CHECK(quantized(among_normals, Nf4Variant::cpu).codes[1] == 12);
}

TEST_CASE("the cuda variant ignores NaN in the maximum and codes it 0") {
  const auto result =
      quantized(full_block({not_a_number, 2.0f, -2.0f, -not_a_number}, 0.0f), Nf4Variant::cuda);
  CHECK(result.absmax[0] == 2.0f);
  CHECK(std::vector<unsigned>(result.codes.begin(), result.codes.begin() + 5) ==
        std::vector<unsigned>{0, 15, 0, 0, 7});
  const auto nothing_else = quantized(full_block({}, not_a_number), Nf4Variant::cuda);
  CHECK(nothing_else.absmax[0] == 0.0f);
  CHECK(all_are(nothing_else.codes, 0));
}

TEST_CASE("a NaN makes the absmax of the cpu variant NaN and every code 15") {
  const auto result = quantized(full_block({1.0f, not_a_number}, 0.0f), Nf4Variant::cpu);
  CHECK(std::isnan(result.absmax[0]));
  CHECK(all_are(result.codes, 15));
}

TEST_CASE("beside an infinity finite elements are 7; it is 0 in cuda and 15 in cpu") {
  const auto source = full_block({infinity, 3e38f, -infinity, -3e38f}, 0.0f);
  const auto cuda = quantized(source, Nf4Variant::cuda);
  CHECK(cuda.absmax[0] == infinity);
  CHECK(std::vector<unsigned>(cuda.codes.begin(), cuda.codes.begin() + 5) ==
        std::vector<unsigned>{0, 7, 0, 7, 7});
  const auto cpu = quantized(source, Nf4Variant::cpu);
  CHECK(cpu.absmax[0] == infinity);
  CHECK(std::vector<unsigned>(cpu.codes.begin(), cpu.codes.begin() + 5) ==
        std::vector<unsigned>{15, 7, 15, 7, 7});
}

TEST_CASE("a reciprocal below the normal numbers is zero to the cuda variant only") {
  const float edge = std::ldexp(1.0f, 126);
  const auto at_edge = full_block({edge, -edge}, 0.0f);
  CHECK(quantized(at_edge, Nf4Variant::cuda).codes[0] == 15);
  const auto beyond = full_block({std::nextafter(edge, infinity), -edge}, 0.0f);
  CHECK(all_are(quantized(beyond, Nf4Variant::cuda).codes, 7));
  CHECK(quantized(beyond, Nf4Variant::cpu).codes[0] == 15);
  CHECK(quantized(beyond, Nf4Variant::cpu).codes[1] == 0);
}

TEST_CASE("an odd count ends in the code of a zero") {
  for (const auto variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
    const auto result = quantized({1.0f, -1.0f, 1.0f}, variant);
    CHECK(result.codes == std::vector<unsigned>{15, 0, 15, 7});
  }
}

TEST_CASE("the pad of the cpu variant is the code of a zero even beside a NaN") {
  CHECK(quantized({1.0f, not_a_number, 1.0f}, Nf4Variant::cpu).codes ==
        std::vector<unsigned>{15, 15, 15, 7});
}

TEST_CASE("a tie keeps the lower code") {
  for (const auto variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
    for (unsigned code = 0; code < 15; ++code) {
      const float threshold = nf4_thresholds(variant)[code];
      const float above = std::nextafter(threshold, infinity);
      const auto result = quantized(full_block({1.0f, threshold, above}, 0.0f), variant);
      CHECK(result.codes[1] == code);
      CHECK(result.codes[2] == code + 1);
    }
  }
}

TEST_CASE("only a partial block of the cpu variant is divided, and stores its divisor") {
  // 3 * fl(1/3) is 1 as well as 3/3; these two differ by an ulp across a threshold.
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0.5f, 1.0f);
  std::size_t differing = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    const float absmax = uniform(random);
    const float element = nf4_cpu_thresholds[12] * absmax;
    const auto full = quantized(full_block({absmax, element}, 0.0f), Nf4Variant::cpu);
    const auto partial = quantized({absmax, element}, Nf4Variant::cpu);
    CHECK(full.codes[1] == (element * (1.0f / absmax) > nf4_cpu_thresholds[12] ? 13u : 12u));
    CHECK(partial.codes[1] == (element / absmax > nf4_cpu_thresholds[12] ? 13u : 12u));
    differing += full.codes[1] != partial.codes[1] ? 1 : 0;
  }
  CHECK(differing > 100);
  CHECK(quantized({0.0f, 0.0f}, Nf4Variant::cpu).absmax[0] == nf4_cpu_absmax_floor);
  CHECK(quantized({0.0f, 0.0f}, Nf4Variant::cuda).absmax[0] == 0.0f);
}

TEST_CASE("both variants agree on ordinary 16-bit weights") {
  std::mt19937 random(3);
  std::normal_distribution<float> bell(0.0f, 0.02f);
  std::vector<std::uint16_t> weights(64 * 4096);
  for (auto& weight : weights) weight = bf16_from_f32(bell(random));
  const auto* source = reinterpret_cast<const std::byte*>(weights.data());
  const auto cuda = quantized(Dtype::bf16, source, weights.size(), Nf4Variant::cuda, 64);
  const auto cpu = quantized(Dtype::bf16, source, weights.size(), Nf4Variant::cpu, 64);
  CHECK((cuda.codes == cpu.codes));
  CHECK((cuda.absmax == cpu.absmax));
}
