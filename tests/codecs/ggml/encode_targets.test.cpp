// The vector code against the scalar code, byte for byte, on every instruction set there is.

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "../simd_targets.hpp"
#include "catch.hpp"
#include "codecs/cast.hpp"
#include "codecs/ggml/encode.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs::ggml;
using plimsoll::codecs::test::for_each_simd_target;

namespace {

constexpr Type types[] = {Type::q4_0, Type::q4_1, Type::q5_0, Type::q5_1, Type::q8_0,
                          Type::q2_k, Type::q3_k, Type::q4_k, Type::q5_k, Type::q6_k};

using Random = std::mt19937;

float bell(Random& random) {
  return std::normal_distribution<float>()(random);
}

/// A kind of numbers: the name, and one of them.
struct Kind {
  const char* name;
  std::function<float(Random&)> draw;
};

float any_bits(Random& random) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
}

const std::vector<Kind> finite_kinds = {
    {"weights", [](Random& r) { return 0.02f * bell(r); }},
    {"heavy tails", [](Random& r) { return std::pow(bell(r), 5.0f); }},
    {"a constant", [](Random&) { return 0.25f; }},
    {"a negative constant", [](Random&) { return -0.5f; }},
    {"zeros", [](Random&) { return 0.0f; }},
    {"zeros of either sign", [](Random& r) { return r() % 2 == 0 ? 0.0f : -0.0f; }},
    {"spikes", [](Random& r) { return r() % 200 == 0 ? 100 * bell(r) : 0.01f * bell(r); }},
    {"mostly zeros", [](Random& r) { return r() % 17 == 0 ? bell(r) : 0.0f; }},
    {"subnormal", [](Random& r) { return 1e-40f * bell(r); }},
    {"nearly subnormal", [](Random& r) { return std::ldexp(bell(r), -118 - int(r() % 12)); }},
    {"as good as zero", [](Random& r) { return 1e-16f * bell(r); }},
    {"huge", [](Random& r) { return 1e30f * bell(r); }},
    {"beyond squaring", [](Random& r) { return 1e37f * bell(r); }},
    {"negative", [](Random& r) { return -0.1f - std::abs(bell(r)); }},
    {"positive", [](Random& r) { return std::abs(bell(r)); }},
    {"few values", [](Random& r) { return static_cast<float>(r() % 5) - 2.0f; }},
    {"close to one", [](Random& r) { return 1 + 1e-6f * bell(r); }},
    {"close to minus three", [](Random& r) { return -3 + 1e-5f * bell(r); }},
    {"of all magnitudes", [](Random& r) { return std::ldexp(bell(r), int(r() % 250) - 130); }},
    {"of many magnitudes", [](Random& r) { return std::ldexp(bell(r), int(r() % 20) - 10); }},
};

const std::vector<Kind> wild_kinds = {
    {"NaN now and then",
     [](Random& r) { return r() % 300 == 0 ? std::numeric_limits<float>::quiet_NaN() : bell(r); }},
    {"infinity now and then",
     [](Random& r) {
       const float infinity = std::numeric_limits<float>::infinity();
       return r() % 300 == 0 ? (r() % 2 == 0 ? infinity : -infinity) : bell(r);
     }},
    {"NaN among zeros",
     [](Random& r) { return r() % 100 == 0 ? std::numeric_limits<float>::quiet_NaN() : 0.0f; }},
    {"any bits", any_bits},
};

const std::vector<Kind> importances = {
    {"random", [](Random& r) { return std::abs(bell(r)); }},
    {"random with zeros", [](Random& r) { return r() % 2 == 0 ? 0.0f : std::abs(bell(r)); }},
    {"zeros", [](Random&) { return 0.0f; }},
    {"ones", [](Random&) { return 1.0f; }},
    {"of many magnitudes",
     [](Random& r) { return std::ldexp(1 + std::abs(bell(r)), int(r() % 60) - 30); }},
    {"any bits", any_bits},
};

std::vector<float> drawn(const Kind& kind, std::size_t count, Random& random) {
  std::vector<float> numbers(count);
  for (float& number : numbers) number = kind.draw(random);
  return numbers;
}

std::vector<std::byte> run(decltype(&encode) function, Type type, const Rows& rows) {
  const Traits& traits = traits_of(type);
  std::vector<std::byte> blocks(rows.count * rows.columns / traits.block_elements *
                                traits.block_bytes);
  function(type, rows, blocks.data());
  return blocks;
}

/// The number of the first byte that differs, -1 if none does.
std::ptrdiff_t first_difference(const std::vector<std::byte>& ours,
                                const std::vector<std::byte>& theirs) {
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    if (ours[i] != theirs[i]) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

void check_all_targets(const Rows& rows) {
  for (const Type type : types) {
    if (rows.columns % traits_of(type).block_elements != 0) continue;
    const auto expected = run(encode_scalar, type, rows);
    for_each_simd_target([&](const char* target) {
      INFO(target << ", " << traits_of(type).name << ", " << rows.count << " rows of "
                  << rows.columns << ", " << name_of(rows.dtype));
      CHECK(first_difference(run(encode, type, rows), expected) == -1);
    });
  }
}

/// All types for numbers of a kind, without and with importance.
void check_numbers(const std::vector<float>& numbers, std::size_t columns, Dtype dtype,
                   const float* importance) {
  std::vector<std::byte> source(numbers.size() * bits_of(dtype) / 8);
  codecs::cast_scalar(Dtype::f32, reinterpret_cast<const std::byte*>(numbers.data()), dtype,
                      source.data(), numbers.size());
  Rows rows{dtype, source.data(), numbers.size() / columns, columns, nullptr};
  check_all_targets(rows);
  rows.importance = importance;
  check_all_targets(rows);
}

}  // namespace

TEST_CASE("numbers of every kind quantize the same on every instruction set") {
  Random random(1);
  for (const Kind& kind : finite_kinds) {
    INFO(kind.name);
    const auto importance = drawn(importances[random() % importances.size()], 512, random);
    check_numbers(drawn(kind, 2048, random), 512, Dtype::f32, importance.data());
  }
}

TEST_CASE("numbers that are not finite quantize the same on every instruction set") {
  Random random(2);
  for (const Kind& kind : wild_kinds) {
    INFO(kind.name);
    const auto importance = drawn(importances[random() % importances.size()], 512, random);
    check_numbers(drawn(kind, 2048, random), 512, Dtype::f32, importance.data());
  }
}

TEST_CASE("rows in which every run of numbers is of another kind quantize the same") {
  Random random(3);
  for (int repetition = 0; repetition < 4; ++repetition) {
    std::vector<float> numbers;
    while (numbers.size() < 6144) {
      const Kind& kind = finite_kinds[random() % finite_kinds.size()];
      for (const float number : drawn(kind, 16, random)) numbers.push_back(number);
    }
    const auto importance = drawn(importances.front(), 1024, random);
    check_numbers(numbers, 1024, Dtype::f32, importance.data());
  }
}

TEST_CASE("importance of every kind quantizes the same on every instruction set") {
  Random random(4);
  for (const Kind& kind : importances) {
    INFO(kind.name);
    const auto importance = drawn(kind, 768, random);
    check_numbers(drawn(finite_kinds.front(), 2304, random), 768, Dtype::f32, importance.data());
  }
}

TEST_CASE("rows of every length, count and dtype quantize the same on every instruction set") {
  Random random(5);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
    for (std::size_t columns = 256; columns <= 5 * 256; columns += 256) {
      const std::size_t count = 1 + random() % 9;
      const auto importance = drawn(importances.front(), columns, random);
      const auto numbers = drawn(finite_kinds.front(), count * columns, random);
      check_numbers(numbers, columns, dtype, importance.data());
    }
  }
}

TEST_CASE("rows that are no whole super-blocks quantize the same on every instruction set") {
  Random random(6);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
    for (const std::size_t blocks : {1u, 2u, 7u, 9u, 16u, 33u, 70u}) {
      const std::size_t count = 1 + random() % 20;
      const auto importance = drawn(importances.front(), 32 * blocks, random);
      const auto numbers = drawn(finite_kinds.front(), count * 32 * blocks, random);
      check_numbers(numbers, 32 * blocks, dtype, importance.data());
    }
  }
}

TEST_CASE("no row makes no block, and nothing is written past the last one") {
  const std::vector<float> numbers(1280, 0.5f);
  const std::vector<float> importance(256, 1.0f);
  for (const Type type : types) {
    for (std::size_t count = 0; count <= 5; ++count) {
      Rows rows;
      rows.source = reinterpret_cast<const std::byte*>(numbers.data());
      rows.count = count;
      rows.columns = 256;
      const std::size_t bytes =
          count * 256 / traits_of(type).block_elements * traits_of(type).block_bytes;
      for (const float* its_importance : {static_cast<const float*>(nullptr), importance.data()}) {
        rows.importance = its_importance;
        std::vector<std::byte> blocks(bytes + 64, std::byte{0xA5});
        encode(type, rows, blocks.data());
        for (std::size_t i = bytes; i < blocks.size(); ++i) CHECK(blocks[i] == std::byte{0xA5});
      }
    }
  }
}
