// The vector code against the scalar code, byte for byte, on every instruction set there is.

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
#include "simd_targets.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using plimsoll::codecs::test::for_each_simd_target;

namespace {

struct Result {
  std::vector<std::byte> packed;
  std::vector<float> absmax;

  bool operator==(const Result& other) const {
    return packed == other.packed && absmax.size() == other.absmax.size() &&
           std::memcmp(absmax.data(), other.absmax.data(), absmax.size() * sizeof(float)) == 0;
  }
};

template <class Element>
Result run(decltype(&nf4_quantize) function, Dtype dtype, const Element* source, std::size_t count,
           Nf4Variant variant, std::uint32_t blocksize) {
  Result result;
  result.packed.resize((count + 1) / 2);
  result.absmax.resize((count + blocksize - 1) / blocksize);
  function(dtype, reinterpret_cast<const std::byte*>(source), count, variant, blocksize,
           result.packed.data(), result.absmax.data());
  return result;
}

template <class Element>
void check_all_targets(Dtype dtype, const std::vector<Element>& source, std::uint32_t blocksize) {
  for (const auto variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
    const Result expected =
        run(nf4_quantize_scalar, dtype, source.data(), source.size(), variant, blocksize);
    for_each_simd_target([&](const char* target) {
      INFO(target << ", " << name_of(dtype) << ", blocks of " << blocksize << ", variant "
                  << static_cast<int>(variant));
      CHECK(
          (run(nf4_quantize, dtype, source.data(), source.size(), variant, blocksize) == expected));
    });
  }
}

/// Blocks that start with `absmax` and go on with every pattern of a lesser or equal magnitude, of
/// either sign, from `octaves` octaves below on.
void append_all_below(std::uint16_t absmax, unsigned octave, unsigned octaves,
                      std::uint32_t blocksize, std::vector<std::uint16_t>& source) {
  const unsigned span = octave * octaves;
  for (unsigned magnitude = absmax > span ? absmax - span : 0; magnitude <= absmax; ++magnitude) {
    for (const unsigned sign : {0u, 0x8000u}) {
      if (source.size() % blocksize == 0) source.push_back(absmax);
      source.push_back(static_cast<std::uint16_t>(sign | magnitude));
    }
  }
  while (source.size() % blocksize != 0) source.push_back(absmax);
}

/// Blocks of every 16-bit pattern in order, NaN and infinities included, each beside `absmax`.
void append_every_pattern(std::uint16_t absmax, std::uint32_t blocksize,
                          std::vector<std::uint16_t>& source) {
  for (unsigned pattern = 0; pattern < 65536; ++pattern) {
    if (source.size() % blocksize == 0) source.push_back(absmax);
    source.push_back(static_cast<std::uint16_t>(pattern));
  }
  while (source.size() % blocksize != 0) source.push_back(absmax);
}

std::vector<float> adversarial_floats(std::uint32_t blocksize) {
  std::mt19937 random(11);
  std::vector<float> maxima = {1.0f,
                               0.0f,
                               std::ldexp(1.0f, -149),
                               1e-38f,
                               std::numeric_limits<float>::min(),
                               std::nextafter(std::ldexp(1.0f, -100), 0.0f),
                               std::ldexp(1.0f, -100),
                               std::ldexp(1.0f, 126),
                               std::nextafter(std::ldexp(1.0f, 126), 2e38f),
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()};
  for (int i = 0; i < 3000; ++i) {
    const auto exponent = static_cast<std::uint32_t>(20 + random() % 235);
    maxima.push_back(
        std::bit_cast<float>(exponent << 23 | static_cast<std::uint32_t>(random() & 0x7FFFFFu)));
  }
  std::vector<float> source;
  for (const float absmax : maxima) {
    source.push_back(absmax);
    for (const auto variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
      for (const float threshold : nf4_thresholds(variant)) {
        const auto nearest = std::bit_cast<std::uint32_t>(threshold * absmax);
        for (std::uint32_t ulp = 0; ulp < 7; ++ulp) {
          if (source.size() % blocksize == 0) source.push_back(-absmax);
          source.push_back(std::bit_cast<float>(nearest + ulp - 3));
        }
      }
    }
    while (source.size() % blocksize != 0) source.push_back(absmax / static_cast<float>(random()));
  }
  return source;
}

}  // namespace

TEST_CASE("every bf16 quantizes the same on every instruction set, for every mantissa of absmax") {
  std::vector<std::uint16_t> source;
  for (const unsigned exponent : {1u, 2u, 5u, 26u, 27u, 127u, 252u, 253u, 254u}) {
    for (unsigned mantissa = 0; mantissa < 128; ++mantissa) {
      append_all_below(static_cast<std::uint16_t>(exponent << 7 | mantissa), 128, 7, 64, source);
    }
  }
  check_all_targets(Dtype::bf16, source, 64);
}

TEST_CASE("every f16 quantizes the same on every instruction set") {
  std::vector<std::uint16_t> source;
  for (const unsigned exponent : {0u, 1u, 15u, 30u}) {
    for (unsigned mantissa = 0; mantissa < 1024; mantissa += 37) {
      append_all_below(static_cast<std::uint16_t>(exponent << 10 | mantissa), 1024, 7, 64, source);
    }
  }
  check_all_targets(Dtype::f16, source, 64);
}

TEST_CASE("blocks with NaN, infinities, subnormals and zeros among others are the same too") {
  for (const auto dtype : {Dtype::bf16, Dtype::f16}) {
    std::vector<std::uint16_t> source;
    for (const unsigned absmax : {0u, 0x0001u, 0x0080u, 0x3F9Du, 0x3C11u, 0x7BFFu, 0x7F80u}) {
      append_every_pattern(static_cast<std::uint16_t>(absmax), 32, source);
    }
    check_all_targets(dtype, source, 32);
  }
}

TEST_CASE("blocks of zeros of either sign quantize the same among other blocks") {
  std::vector<std::uint16_t> source(64 * 29);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::size_t block = i / 64;
    if (block % 3 == 1) source[i] = static_cast<std::uint16_t>(i % 5 == 0 ? 0x8000u : 0x0000u);
    if (block % 3 == 2) source[i] = static_cast<std::uint16_t>(0x3C00u + i % 64);
  }
  check_all_targets(Dtype::bf16, source, 64);
  check_all_targets(Dtype::f16, source, 64);
  check_all_targets(Dtype::f32, std::vector<float>(64 * 20, -0.0f), 64);
}

TEST_CASE("f32 a few ulps from every threshold quantizes the same on every instruction set") {
  for (const std::uint32_t blocksize : {32u, 64u, 512u}) {
    check_all_targets(Dtype::f32, adversarial_floats(blocksize), blocksize);
  }
}

TEST_CASE("random bits quantize the same at every blocksize, count and alignment") {
  std::mt19937 random(5);
  for (const auto dtype : {Dtype::bf16, Dtype::f16, Dtype::f32}) {
    const std::size_t width = bits_of(dtype) / 8;
    for (std::uint32_t blocksize = 32; blocksize <= 4096; blocksize *= 2) {
      for (const std::size_t whole : {0u, 1u, 3u, 8u, 11u}) {
        const std::size_t ragged = random() % blocksize;
        const std::size_t count = whole * blocksize + ragged;
        // Ordinary magnitudes, and from time to time any bits at all; one element off alignment.
        std::vector<std::byte> bytes((count + 1) * width);
        for (std::size_t i = 0; i <= count; ++i) {
          auto bits = static_cast<std::uint32_t>(random());
          if (random() % 500 != 0) {
            const float number = static_cast<float>(static_cast<std::int32_t>(bits)) * 1e-11f;
            bits = dtype == Dtype::f32   ? std::bit_cast<std::uint32_t>(number)
                   : dtype == Dtype::f16 ? f16_from_f32(number)
                                         : bf16_from_f32(number);
          }
          std::memcpy(&bytes[i * width], &bits, width);
        }
        const std::byte* source = bytes.data() + width;
        for (const auto variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
          const Result expected =
              run(nf4_quantize_scalar, dtype, source, count, variant, blocksize);
          for_each_simd_target([&](const char* target) {
            INFO(target << ", " << name_of(dtype) << ", blocks of " << blocksize << ", " << count);
            CHECK((run(nf4_quantize, dtype, source, count, variant, blocksize) == expected));
          });
        }
      }
    }
  }
}
