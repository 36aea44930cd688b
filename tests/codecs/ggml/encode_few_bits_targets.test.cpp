// The vector quantizers of the IQ, ternary, FP4 and one- and two-bit types against the scalar ones,
// byte for byte, on every instruction set there is.

#include <bit>
#include <cmath>
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
using plimsoll::codecs::cast_scalar;
using plimsoll::codecs::test::for_each_simd_target;

namespace {

using Random = std::mt19937;
using Numbers = std::vector<float>;

constexpr Type types[] = {Type::iq1_s,   Type::iq1_m, Type::iq2_xxs, Type::iq2_xs, Type::iq2_s,
                          Type::iq3_xxs, Type::iq3_s, Type::iq4_nl,  Type::iq4_xs, Type::tq1_0,
                          Type::tq2_0,   Type::mxfp4, Type::nvfp4,   Type::q1_0,   Type::q2_0};

float bell(Random& random) {
  return std::normal_distribution<float>()(random);
}

/// A way to make numbers: the one at `place`, of the size of `scale`.
struct Distribution {
  const char* name;
  std::function<float(Random& random, std::size_t place, float scale)> number;
};

const std::vector<Distribution>& distributions() {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  static const std::vector<Distribution> all = {
      {"zeros", [](Random&, std::size_t, float) { return 0.0f; }},
      {"zeros of either sign",
       [](Random& random, std::size_t, float) { return random() % 2 != 0 ? -0.0f : 0.0f; }},
      {"constants", [](Random&, std::size_t, float scale) { return scale; }},
      {"a bell", [](Random& random, std::size_t, float scale) { return bell(random) * scale; }},
      {"positive numbers",
       [](Random& random, std::size_t, float scale) { return std::abs(bell(random)) * scale; }},
      {"a bell to the third",
       [](Random& random, std::size_t, float scale) {
         return bell(random) * bell(random) * bell(random) * scale;
       }},
      {"few different numbers",
       [](Random& random, std::size_t, float scale) {
         return static_cast<float>(static_cast<int>(random() % 7) - 3) * scale;
       }},
      {"spikes",
       [](Random& random, std::size_t, float scale) {
         return random() % 50 == 0 ? bell(random) * scale : bell(random) * scale * 1e-3f;
       }},
      {"enormous spikes",
       [](Random& random, std::size_t, float scale) {
         return random() % 50 == 0 ? bell(random) * scale : bell(random) * scale * 1e-9f;
       }},
      {"single numbers among zeros",
       [](Random& random, std::size_t, float scale) {
         return random() % 64 == 0 ? bell(random) * scale : 0.0f;
       }},
      {"runs of zeros",
       [](Random& random, std::size_t place, float scale) {
         return place / 16 % 3 == 0 ? 0.0f : bell(random) * scale;
       }},
      {"the smallest that count",
       [](Random& random, std::size_t, float) { return bell(random) * 1e-14f; }},
      {"powers of two and their neighbours",
       [](Random& random, std::size_t, float) {
         const std::uint32_t bits = (random() % 254 + 1) << 23;
         return std::bit_cast<float>(bits + static_cast<std::uint32_t>(random() % 100) - 50);
       }},
      {"all magnitudes",
       [](Random& random, std::size_t, float) {
         return std::ldexp(bell(random), static_cast<int>(random() % 80) - 40);
       }},
      {"subnormals", [](Random& random, std::size_t, float) { return bell(random) * 1e-41f; }},
      {"nearly subnormals",
       [](Random& random, std::size_t, float) { return bell(random) * 1e-37f; }},
      {"numbers whose squares overflow",
       [](Random& random, std::size_t, float) { return bell(random) * 1e20f; }},
      {"numbers whose sums overflow",
       [](Random& random, std::size_t, float) { return bell(random) * 5e37f; }},
      {"infinities",
       [](Random& random, std::size_t, float scale) {
         return random() % 300 == 0 ? infinity : bell(random) * scale;
       }},
      {"NaN",
       [](Random& random, std::size_t, float scale) {
         if (random() % 300 != 0) return bell(random) * scale;
         return std::bit_cast<float>(0x7F800001u | static_cast<std::uint32_t>(random()));
       }},
      {"any bits",
       [](Random& random, std::size_t, float) {
         return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
       }},
  };
  return all;
}

const std::vector<Distribution>& importances() {
  static const std::vector<Distribution> all = {
      {"ones", [](Random&, std::size_t, float) { return 1.0f; }},
      {"squares",
       [](Random& random, std::size_t, float) { return std::pow(bell(random), 2.0f) + 1e-4f; }},
      {"some zeros", [](Random& random, std::size_t,
                        float) { return random() % 4 == 0 ? 0.0f : std::abs(bell(random)); }},
      {"zeros", [](Random&, std::size_t, float) { return 0.0f; }},
      {"very different ones",
       [](Random& random, std::size_t, float) { return std::exp(4.0f * bell(random)); }},
      {"negative ones", [](Random& random, std::size_t, float) { return bell(random); }},
      {"any bits",
       [](Random& random, std::size_t, float) {
         return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
       }},
  };
  return all;
}

Numbers numbers_of(const Distribution& distribution, Random& random, std::size_t count) {
  const float scale = std::ldexp(1.0f, static_cast<int>(random() % 24) - 16);
  Numbers numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = distribution.number(random, i, scale);
  return numbers;
}

std::vector<std::byte> narrowed(const Numbers& numbers, Dtype dtype) {
  std::vector<std::byte> bytes(numbers.size() * bits_of(dtype) / 8);
  cast_scalar(Dtype::f32, reinterpret_cast<const std::byte*>(numbers.data()), dtype, bytes.data(),
              numbers.size());
  return bytes;
}

/// Whether blocks are the same on every instruction set; `columns` a multiple of 256.
void check_all_targets(Type type, Dtype dtype, const Numbers& numbers, std::size_t columns,
                       const float* importance) {
  const std::vector<std::byte> source = narrowed(numbers, dtype);
  const Rows rows = {dtype, source.data(), numbers.size() / columns, columns, importance};
  const Traits& traits = traits_of(type);
  std::vector<std::byte> expected(numbers.size() / traits.block_elements * traits.block_bytes);
  encode_scalar(type, rows, expected.data());
  for_each_simd_target([&](const char* target) {
    std::vector<std::byte> blocks(expected.size());
    encode(type, rows, blocks.data());
    INFO(target << ", " << traits.name << ", " << name_of(dtype) << ", columns " << columns);
    CHECK((blocks == expected));
  });
}

}  // namespace

TEST_CASE("every distribution of numbers quantizes the same on every instruction set") {
  for (const Type type : types) {
    prepare_encoder(type);
    Random random(7);
    for (const Distribution& distribution : distributions()) {
      INFO(distribution.name);
      const Numbers numbers = numbers_of(distribution, random, 5 * 256);
      const Numbers importance = numbers_of(importances()[1], random, 5 * 256);
      const bool needed = traits_of(type).importance == Importance::needed;
      for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
        check_all_targets(type, dtype, numbers, 5 * 256, needed ? importance.data() : nullptr);
      }
    }
  }
}

TEST_CASE("every distribution of importance gives the same blocks on every instruction set") {
  for (const Type type : types) {
    if (traits_of(type).importance == Importance::ignored) continue;
    prepare_encoder(type);
    Random random(8);
    for (const Distribution& distribution : distributions()) {
      for (const Distribution& weight : importances()) {
        INFO(distribution.name << ", importance " << weight.name);
        const Numbers numbers = numbers_of(distribution, random, 512);
        const Numbers importance = numbers_of(weight, random, 256);
        check_all_targets(type, Dtype::f32, numbers, 256, importance.data());
      }
    }
  }
}

TEST_CASE("rows of any length share one importance on every instruction set") {
  for (const Type type : types) {
    prepare_encoder(type);
    Random random(9);
    for (std::size_t columns = 256; columns <= 768; columns += 256) {
      for (std::size_t rows = 1; rows <= 3; ++rows) {
        const Numbers numbers = numbers_of(distributions()[3], random, rows * columns);
        const Numbers importance = numbers_of(importances()[2], random, columns);
        for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
          check_all_targets(type, dtype, numbers, columns, importance.data());
        }
      }
    }
  }
}

TEST_CASE("numbers between two FP4 numbers quantize the same on every instruction set") {
  constexpr float middles[] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f};
  Random random(10);
  for (const Type type : {Type::mxfp4, Type::nvfp4}) {
    Numbers numbers;
    for (int exponent = -30; exponent <= 30; ++exponent) {
      const float scale = std::ldexp(1.0f + static_cast<float>(random() % 8) / 8.0f, exponent);
      for (std::size_t i = 0; i < 64; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(scale * middles[random() % 7]);
        const float number =
            std::bit_cast<float>(bits + static_cast<std::uint32_t>(random() % 3) - 1);
        numbers.push_back(i % 16 == 0 ? 6.0f * scale : random() % 2 != 0 ? number : -number);
      }
    }
    numbers.resize(numbers.size() / 256 * 256);
    check_all_targets(type, Dtype::f32, numbers, 256, nullptr);
  }
}
