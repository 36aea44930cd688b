#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "catch.hpp"
#include "codecs/ggml/decode.hpp"

using namespace plimsoll::codecs::ggml;

namespace {

/// Which byte of a block stands at each place after swapping: blocks of 0, 1, 2 ... 255, 0 ...
std::vector<unsigned> swapped_places(Type type) {
  std::vector<std::byte> block(traits_of(type).block_bytes);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i);
  swap_byte_order(type, block.data(), 1);
  std::vector<unsigned> places;
  for (const std::byte byte : block) places.push_back(std::to_integer<unsigned>(byte));
  return places;
}

struct Run {
  std::size_t offset, width, count;
};

std::vector<unsigned> expected_places(Type type, const std::vector<Run>& runs) {
  std::vector<unsigned> places(traits_of(type).block_bytes);
  std::iota(places.begin(), places.end(), 0u);
  for (unsigned& place : places) place &= 0xFFu;
  for (const Run& run : runs) {
    for (std::size_t i = 0; i < run.count; ++i) {
      const auto begin = places.begin() + static_cast<std::ptrdiff_t>(run.offset + i * run.width);
      std::reverse(begin, begin + static_cast<std::ptrdiff_t>(run.width));
    }
  }
  return places;
}

}  // namespace

TEST_CASE("swapping the byte order twice changes nothing, and once does") {
  std::mt19937 random(8);
  for (std::uint32_t id = 0; id < 64; ++id) {
    const auto type = type_of(id);
    if (!type) continue;
    std::vector<std::byte> blocks(traits_of(*type).block_bytes * std::size_t{7});
    for (std::byte& byte : blocks) byte = static_cast<std::byte>(random());
    const auto before = blocks;
    swap_byte_order(*type, blocks.data(), 7);
    INFO(traits_of(*type).name);
    const bool of_bytes = type == Type::i8 || type == Type::mxfp4 || type == Type::nvfp4;
    CHECK((blocks == before) == of_bytes);
    swap_byte_order(*type, blocks.data(), 7);
    CHECK(blocks == before);
  }
}

TEST_CASE("fields of more than a byte are reversed, and no other bytes move") {
  const std::pair<Type, std::vector<Run>> cases[] = {
      {Type::f32, {{0, 4, 1}}},
      {Type::bf16, {{0, 2, 1}}},
      {Type::f64, {{0, 8, 1}}},
      {Type::q4_0, {{0, 2, 1}}},
      {Type::q4_1, {{0, 2, 2}}},
      {Type::q5_0, {{0, 2, 1}, {2, 4, 1}}},
      {Type::q5_1, {{0, 2, 2}, {4, 4, 1}}},
      {Type::q8_0, {{0, 2, 1}}},
      {Type::q2_k, {{80, 2, 2}}},
      {Type::q3_k, {{108, 2, 1}}},
      {Type::q4_k, {{0, 2, 2}}},
      {Type::q5_k, {{0, 2, 2}}},
      {Type::q6_k, {{208, 2, 1}}},
      {Type::q8_k, {{0, 4, 1}, {260, 2, 16}}},
      {Type::iq1_s, {{0, 2, 1}, {34, 2, 8}}},
      {Type::iq1_m, {{48, 2, 4}}},
      {Type::iq2_xxs, {{0, 2, 1}, {2, 4, 16}}},
      {Type::iq2_xs, {{0, 2, 33}}},
      {Type::iq2_s, {{0, 2, 1}}},
      {Type::iq3_xxs, {{0, 2, 1}, {66, 4, 8}}},
      {Type::iq3_s, {{0, 2, 1}}},
      {Type::iq4_nl, {{0, 2, 1}}},
      {Type::iq4_xs, {{0, 2, 2}}},
      {Type::tq1_0, {{52, 2, 1}}},
      {Type::tq2_0, {{64, 2, 1}}},
      {Type::mxfp4, {}},
      {Type::nvfp4, {}},
      {Type::q1_0, {{0, 2, 1}}},
      {Type::q2_0, {{0, 2, 1}}},
  };
  for (const auto& [type, runs] : cases) {
    INFO(traits_of(type).name);
    CHECK(swapped_places(type) == expected_places(type, runs));
  }
}

TEST_CASE("a big-endian block decodes to the same values once it is swapped") {
  std::vector<std::byte> block(18, std::byte{0x9F});
  block[0] = std::byte{0x3C};  // 1.0, its high byte in front
  block[1] = std::byte{0x00};
  swap_byte_order(Type::q4_0, block.data(), 1);
  float values[32];
  decode(Type::q4_0, block.data(), 1, plimsoll::Dtype::f32, reinterpret_cast<std::byte*>(values));
  CHECK(values[0] == 7.0f);
  CHECK(values[16] == 1.0f);
}
