#include "codecs/element_map.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "catch.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;

namespace {

template <class Bits>
Bits mapped(ElementMap map, Dtype dtype, Bits bits) {
  std::byte memory[sizeof bits];
  std::memcpy(memory, &bits, sizeof bits);
  apply(map, dtype, memory, 1);
  std::memcpy(&bits, memory, sizeof bits);
  return bits;
}

float mapped(ElementMap map, float value) {
  return std::bit_cast<float>(mapped(map, Dtype::f32, std::bit_cast<std::uint32_t>(value)));
}

}  // namespace

TEST_CASE("one is subtracted in fp32 and rounded once to the number's own type") {
  CHECK(mapped(ElementMap::subtract_one, 1.5f) == 0.5f);
  CHECK(mapped(ElementMap::subtract_one, 0x1p-30f) == -1.0f);
  CHECK(mapped(ElementMap::subtract_one, 16777217.0f) == 16777215.0f);
  const auto bf16 = [](std::uint16_t bits) {
    return mapped<std::uint16_t>(ElementMap::subtract_one, Dtype::bf16, bits);
  };
  CHECK(bf16(0x3F80) == 0x0000);  // 1
  CHECK(bf16(0x3F81) == 0x3C00);  // 1 + 2^-7
  CHECK(bf16(0x3B80) == 0xBF7F);  // 2^-8: -0.99609375 has eight bits
  CHECK(bf16(0x3B00) == 0xBF80);  // 2^-9: halfway, to even
  CHECK(bf16(0x3B01) == 0xBF7F);  // just above halfway
  const auto f16 = [](std::uint16_t bits) {
    return mapped<std::uint16_t>(ElementMap::subtract_one, Dtype::f16, bits);
  };
  CHECK(f16(0x3C01) == 0x1400);  // 1 + 2^-10
  CHECK(f16(0x7BFF) == 0x7BFF);  // 65504 - 1 rounds back
  CHECK(f16(0x7C00) == 0x7C00);
}

TEST_CASE("the logarithm of the negated number is the nearest fp32 number") {
  CHECK(mapped(ElementMap::log_negate, -1.0f) == 0.0f);
  CHECK(mapped(ElementMap::log_negate, -2.0f) == 0x1.62e43p-1f);
  CHECK(mapped(ElementMap::log_negate, -16.0f) == 0x1.62e43p+1f);
  CHECK(mapped(ElementMap::log_negate, 0.0f) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(mapped(ElementMap::log_negate, 1.0f)));
  CHECK(mapped<std::uint16_t>(ElementMap::log_negate, Dtype::bf16, 0xC000) == 0x3F31);
  CHECK(mapped<std::uint16_t>(ElementMap::log_negate, Dtype::f16, 0xC000) == 0x398C);
}

TEST_CASE("every number of a run is mapped, and none leaves bytes alone") {
  std::vector<std::uint16_t> numbers(7, 0x4000);  // 2 in bf16
  auto* bytes = reinterpret_cast<std::byte*>(numbers.data());
  apply(ElementMap::none, Dtype::bf16, bytes, numbers.size());
  CHECK(numbers == std::vector<std::uint16_t>(7, 0x4000));
  apply(ElementMap::subtract_one, Dtype::bf16, bytes, numbers.size());
  CHECK(numbers == std::vector<std::uint16_t>(7, 0x3F80));
}

TEST_CASE("maps work on floating-point numbers of 16 and 32 bits") {
  CHECK(can_map(ElementMap::none, Dtype::u8));
  for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
    CHECK(can_map(ElementMap::log_negate, dtype));
  }
  CHECK_FALSE(can_map(ElementMap::subtract_one, Dtype::f8_e4m3));
  CHECK_FALSE(can_map(ElementMap::log_negate, Dtype::i32));
}

TEST_CASE("the ways back undo what they are the way back of") {
  CHECK(mapped(ElementMap::add_one, 0.5f) == 1.5f);
  CHECK(mapped(ElementMap::negate_exp, 0.0f) == -1.0f);
  CHECK(mapped(ElementMap::negate_exp, 0x1.62e43p-1f) == -2.0f);
  CHECK(mapped(ElementMap::add_one, mapped(ElementMap::subtract_one, 1.25f)) == 1.25f);
  CHECK(mapped<std::uint16_t>(ElementMap::add_one, Dtype::bf16, 0x3F80) == 0x4000);
}

TEST_CASE("one is added in F16 where the numbers were F16 before they were widened") {
  // F16 has steps of 2^-10 between one and two; half of one goes to the even neighbour.
  CHECK(mapped(ElementMap::add_one, 0x1p-11f) == 1.0f + 0x1p-11f);
  CHECK(mapped(ElementMap::add_one_in_f16, 0x1p-11f) == 1.0f);
  CHECK(mapped(ElementMap::add_one_in_f16, 0x1.8p-10f) == 1.0f + 0x1p-9f);
  CHECK(mapped<std::uint16_t>(ElementMap::add_one_in_f16, Dtype::f16, 0x1000) == 0x3C00);
}
