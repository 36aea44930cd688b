#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"
#include "codecs/cast.hpp"
#include "simd_targets.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using plimsoll::codecs::test::for_each_simd_target;

namespace {

template <class To, class From>
To cast_one(Dtype from_dtype, From from, Dtype to_dtype) {
  To to{};
  cast(from_dtype, reinterpret_cast<const std::byte*>(&from), to_dtype,
       reinterpret_cast<std::byte*>(&to), 1);
  return to;
}

void check_all_targets(Dtype from, const std::vector<std::byte>& source, Dtype to) {
  const std::size_t count = source.size() / (bits_of(from) / 8);
  std::vector<std::byte> expected(count * (bits_of(to) / 8));
  cast_scalar(from, source.data(), to, expected.data(), count);
  for_each_simd_target([&](const char* target) {
    INFO(target << ", " << name_of(from) << " to " << name_of(to) << ", " << count);
    std::vector<std::byte> result(expected.size());
    cast(from, source.data(), to, result.data(), count);
    CHECK((result == expected));
  });
}

std::vector<std::byte> random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

constexpr std::array<Dtype, 3> targets = {Dtype::f32, Dtype::f16, Dtype::bf16};
constexpr std::array<Dtype, 9> sources = {Dtype::f64,     Dtype::f32,         Dtype::f16,
                                          Dtype::bf16,    Dtype::f8_e4m3,     Dtype::f8_e5m2,
                                          Dtype::f8_e8m0, Dtype::f8_e4m3fnuz, Dtype::f8_e5m2fnuz};

}  // namespace

TEST_CASE("floats of whole bytes can be cast to f32, f16 and bf16 and to nothing else") {
  std::size_t pairs = 0;
  for (int from = 0; from < dtype_count; ++from) {
    for (int to = 0; to < dtype_count; ++to) {
      pairs += can_cast(static_cast<Dtype>(from), static_cast<Dtype>(to)) ? 1 : 0;
    }
  }
  CHECK(pairs == sources.size() * targets.size());
  for (const Dtype from : sources) {
    for (const Dtype to : targets) CHECK(can_cast(from, to));
  }
}

TEST_CASE("every 16-bit pattern is cast the same on every instruction set") {
  std::vector<std::byte> patterns(2 * 65536);
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    std::memcpy(&patterns[2 * i], &bits, sizeof bits);
  }
  for (const Dtype from : {Dtype::f16, Dtype::bf16}) {
    for (const Dtype to : targets) check_all_targets(from, patterns, to);
  }
}

TEST_CASE(
    "f32 of any bits, and at every rounding edge, is cast the same on every instruction set") {
  std::vector<std::byte> source = random_bytes(4 * 200000, 1);
  for (std::uint32_t upper = 0; upper < 65536; ++upper) {
    for (const std::uint32_t lower :
         {0x0000u, 0x0001u, 0x0FFFu, 0x1000u, 0x1001u, 0x3000u, 0x7FFFu, 0x8000u, 0x8001u}) {
      const std::uint32_t bits = upper << 16 | lower;
      std::byte bytes[4];
      std::memcpy(bytes, &bits, sizeof bits);
      source.insert(source.end(), bytes, bytes + 4);
    }
  }
  check_all_targets(Dtype::f32, source, Dtype::bf16);
  check_all_targets(Dtype::f32, source, Dtype::f16);
}

TEST_CASE("every pair and count casts the same on every instruction set, and writes no more") {
  for (const Dtype from : sources) {
    for (const Dtype to : targets) {
      for (std::size_t count = 0; count < 70; count += 3) {
        check_all_targets(from, random_bytes(count * (bits_of(from) / 8), 2), to);
      }
    }
  }
}

TEST_CASE("f64 reaches 16 bits through f32, as in torch") {
  // Just above the middle of two bf16 numbers, by less than an f32 can tell: a tie by then.
  const double above_middle = 1.0 + std::ldexp(1.0, -8) + std::ldexp(1.0, -40);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, above_middle, Dtype::bf16) == 0x3F80);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, -above_middle, Dtype::bf16) == 0xBF80);
  const double above_f16_middle = 1.0 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, above_f16_middle, Dtype::f16) == 0x3C00);
  const double below_middle = 1.0 + 3 * std::ldexp(1.0, -11) - std::ldexp(1.0, -20);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, below_middle, Dtype::f16) == 0x3C01);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, 65520.0, Dtype::f16) == 0x7C00);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, 1e300, Dtype::bf16) == 0x7F80);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, 1e-300, Dtype::f16) == 0);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, std::ldexp(1.0, -25), Dtype::f16) == 0);
  CHECK(cast_one<std::uint16_t>(Dtype::f64, std::ldexp(1.000001, -25), Dtype::f16) == 1);
  CHECK(cast_one<float>(Dtype::f64, 0.1, Dtype::f32) == 0.1f);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK((cast_one<std::uint16_t>(Dtype::f64, nan, Dtype::bf16) & 0x7FC0u) == 0x7FC0u);
}

TEST_CASE("a NaN becomes quiet and keeps its sign and what fits of its payload") {
  const auto signalling = std::bit_cast<float>(0xFFA00001u);
  CHECK(cast_one<std::uint16_t>(Dtype::f32, signalling, Dtype::bf16) == 0xFFE0);
  CHECK(cast_one<std::uint16_t>(Dtype::f32, signalling, Dtype::f16) == 0xFF00);
  const auto half = static_cast<std::uint16_t>(0xFD01);
  CHECK(cast_one<std::uint32_t>(Dtype::f16, half, Dtype::f32) == 0xFFE02000u);
}

TEST_CASE("a cast to the same dtype copies, or does nothing in place") {
  const auto source = random_bytes(4 * 33, 3);
  for (const Dtype dtype : targets) {
    auto destination = std::vector<std::byte>(source.size());
    const std::size_t count = source.size() / (bits_of(dtype) / 8);
    cast(dtype, source.data(), dtype, destination.data(), count);
    CHECK((destination == source));
    cast(dtype, destination.data(), dtype, destination.data(), count);
    CHECK((destination == source));
  }
}
