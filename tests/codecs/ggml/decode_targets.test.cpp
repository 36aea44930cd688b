// The vector code against the scalar code, byte for byte, on every instruction set there is.

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "../simd_targets.hpp"
#include "catch.hpp"
#include "decodable_types.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using namespace plimsoll::codecs::ggml;
using plimsoll::codecs::test::for_each_simd_target;

namespace {

constexpr std::array dtypes = {Dtype::f32, Dtype::bf16, Dtype::f16};

/// Where a type's block has f16 numbers.
std::vector<std::size_t> f16_offsets(Type type) {
  switch (type) {
    case Type::q4_1:
    case Type::q5_1:
    case Type::q4_k:
    case Type::q5_k:
      return {0, 2};
    case Type::q2_k:
      return {80, 82};
    case Type::q3_k:
      return {108};
    case Type::q6_k:
      return {208};
    case Type::tq1_0:
      return {52};
    case Type::tq2_0:
      return {64};
    case Type::q8_k:
    case Type::iq1_m:
    case Type::mxfp4:
    case Type::nvfp4:
      return {};
    default:
      return {0};
  }
}

std::vector<std::byte> random_blocks(Type type, std::size_t count, std::mt19937& random) {
  std::vector<std::byte> blocks(count * traits_of(type).block_bytes);
  for (std::byte& byte : blocks) byte = static_cast<std::byte>(random());
  return blocks;
}

/// Writes an f16 scale into a block: of IQ1_M into the high nibbles of its words.
void put_scale(Type type, std::size_t offset, std::uint16_t bits, std::byte* block) {
  if (type != Type::iq1_m) {
    std::memcpy(block + offset, &bits, sizeof bits);
    return;
  }
  for (std::size_t word = 0; word < 4; ++word) {
    std::byte& high = block[49 + 2 * word];
    high = (high & std::byte{0x0F}) | static_cast<std::byte>((bits >> 4 * word & 15) << 4);
  }
}

/// Elements of one dtype, with room around that must stay as it is.
struct Decoded {
  Decoded(Dtype dtype, std::size_t elements)
      : bytes(elements * bits_of(dtype) / 8 + 2 * margin, std::byte{0xA5}) {}

  static constexpr std::size_t margin = 64;
  std::byte* elements() { return bytes.data() + margin; }
  std::vector<std::byte> bytes;
};

/// Decodes with every target what may start anywhere in memory.
void check(Type type, const std::byte* blocks, std::size_t count) {
  const std::size_t elements = count * traits_of(type).block_elements;
  for (const Dtype dtype : dtypes) {
    Decoded expected(dtype, elements);
    decode_scalar(type, blocks, count, dtype, expected.elements());
    for_each_simd_target([&](const char* target) {
      INFO(target << ", " << traits_of(type).name << " to " << name_of(dtype) << ", " << count);
      Decoded found(dtype, elements);
      decode(type, blocks, count, dtype, found.elements());
      CHECK((found.bytes == expected.bytes));
    });
  }
}

}  // namespace

TEST_CASE("any number of random blocks decodes the same on every instruction set") {
  std::mt19937 random(3);
  for (const Type type : ggml::test::decodable_types()) {
    for (const std::size_t count : {0u, 1u, 2u, 3u, 7u, 64u, 255u}) {
      const auto blocks = random_blocks(type, count, random);
      check(type, blocks.data(), count);
    }
  }
}

TEST_CASE("blocks decode the same wherever they start") {
  std::mt19937 random(4);
  for (const Type type : ggml::test::decodable_types()) {
    const std::size_t count = 5;
    const auto blocks = random_blocks(type, count, random);
    for (std::size_t shift = 1; shift < 32; ++shift) {
      std::vector<std::byte> shifted(shift);
      shifted.insert(shifted.end(), blocks.begin(), blocks.end());
      check(type, shifted.data() + shift, count);
    }
  }
}

TEST_CASE("every f16 scale decodes the same on every instruction set") {
  std::mt19937 random(5);
  for (const Type type : ggml::test::decodable_types()) {
    std::vector<std::size_t> offsets = f16_offsets(type);
    if (type == Type::iq1_m) offsets = {48};
    const std::size_t block_bytes = traits_of(type).block_bytes;
    for (const std::size_t offset : offsets) {
      // All exponents and signs, NaN, infinities and subnormals among them.
      std::vector<std::uint16_t> scales;
      for (unsigned bits = 0; bits < 0x10000; bits += bits % 0x400 < 4 ? 1 : 51) {
        scales.push_back(static_cast<std::uint16_t>(bits));
      }
      auto blocks = random_blocks(type, scales.size(), random);
      for (std::size_t i = 0; i < scales.size(); ++i) {
        std::byte* block = blocks.data() + i * block_bytes;
        for (const std::size_t other : offsets) put_scale(type, other, 0x2E66, block);
        put_scale(type, offset, scales[i], block);
      }
      check(type, blocks.data(), scales.size());
    }
  }
}

TEST_CASE("every eight-bit scale decodes the same on every instruction set") {
  std::mt19937 random(6);
  for (const Type type : {Type::mxfp4, Type::nvfp4}) {
    const std::size_t block_bytes = traits_of(type).block_bytes;
    auto blocks = random_blocks(type, 256, random);
    for (std::size_t i = 0; i < 256; ++i) {
      for (std::size_t sub = 0; sub < (type == Type::nvfp4 ? 4u : 1u); ++sub) {
        blocks[i * block_bytes + sub] = static_cast<std::byte>(i + 67 * sub);
      }
    }
    check(type, blocks.data(), 256);
  }
}

TEST_CASE("every f32 scale of q8_K decodes the same on every instruction set") {
  std::mt19937 random(7);
  auto blocks = random_blocks(Type::q8_k, 512, random);
  for (unsigned i = 0; i < 512; ++i) {
    const std::uint32_t bits = i << 23 | (i % 3 == 0 ? 0 : random() & 0x7FFFFFu);
    std::memcpy(blocks.data() + std::size_t{i} * 292, &bits, sizeof bits);
  }
  check(Type::q8_k, blocks.data(), 512);
}
