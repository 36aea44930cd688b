#include "codecs/ggml/decode.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "catch.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs::ggml;

namespace {

template <std::size_t elements, std::size_t bytes>
std::array<float, elements> decoded(Type type, const std::array<std::uint8_t, bytes>& block) {
  REQUIRE(traits_of(type).block_bytes == bytes);
  REQUIRE(traits_of(type).block_elements == elements);
  std::array<float, elements> values;
  decode(type, reinterpret_cast<const std::byte*>(block.data()), 1, Dtype::f32,
         reinterpret_cast<std::byte*>(values.data()));
  return values;
}

template <std::size_t bytes>
void put_f32(float value, std::array<std::uint8_t, bytes>& block) {
  std::memcpy(block.data(), &value, sizeof value);
}

}  // namespace

TEST_CASE("what cannot be decoded is plain, or of computations only") {
  CHECK(can_decode(Type::q8_k));
  for (const Type type : {Type::q8_1, Type::f32, Type::f16, Type::bf16, Type::f64, Type::i8}) {
    CHECK_FALSE(can_decode(type));
  }
}

TEST_CASE("q8_K is an f32 scale times signed bytes") {
  std::array<std::uint8_t, 292> block{};
  put_f32(0.1f, block);
  block[4] = 0x80;
  block[5] = 0x7F;
  block[259] = 0xFF;
  block[260] = 0x55;  // a sum, which does not count
  const auto values = decoded<256>(Type::q8_k, block);
  CHECK(values[0] == 0.1f * -128.0f);
  CHECK(values[1] == 0.1f * 127.0f);
  CHECK(values[2] == 0.0f);
  CHECK(values[255] == -0.1f);
}

TEST_CASE("the least and the largest scales of MXFP4 are ordinary ones") {
  std::array<std::uint8_t, 17> block{};
  block[1] = 0x91;  // 0.5 in front, -0.5 in the middle
  const auto values = [&](std::uint8_t scale) {
    block[0] = scale;
    return decoded<32>(Type::mxfp4, block);
  };
  CHECK(values(0)[0] == std::ldexp(1.0f, -128));
  CHECK(values(1)[16] == -std::ldexp(1.0f, -127));
  CHECK(values(127)[0] == 0.5f);
  CHECK(values(255)[0] == std::ldexp(1.0f, 127));
}

TEST_CASE("an NVFP4 scale of 0x7F is zero, and the sign of others does not count") {
  std::array<std::uint8_t, 36> block{};
  block[0] = 0x7F;
  block[1] = 0xFF;
  block[2] = 0x80;
  block[3] = 0xB8;
  for (std::size_t i = 4; i < block.size(); ++i) block[i] = 0x22;  // ones
  const auto values = decoded<64>(Type::nvfp4, block);
  CHECK(values[0] == 0.0f);
  CHECK(values[16] == 480.0f);
  CHECK(values[32] == 0.0f);
  CHECK(values[48] == 1.0f);
}

TEST_CASE("a number above f16's largest becomes infinity there, and not in bf16") {
  std::array<std::uint8_t, 34> block{};
  block[1] = 0x7B;  // 57344
  block[2] = 2;
  block[3] = 0x80;
  std::array<std::uint16_t, 32> elements;
  auto* destination = reinterpret_cast<std::byte*>(elements.data());
  decode(Type::q8_0, reinterpret_cast<const std::byte*>(block.data()), 1, Dtype::f16, destination);
  CHECK(elements[0] == 0x7C00);
  CHECK(elements[1] == 0xFC00);
  decode(Type::q8_0, reinterpret_cast<const std::byte*>(block.data()), 1, Dtype::bf16, destination);
  CHECK(elements[0] == 0x47E0);
  CHECK(elements[1] == 0xCAE0);
}
