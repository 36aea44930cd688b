#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "catch.hpp"
#include "codecs/cast.hpp"
#include "golden_file.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using plimsoll::codecs::test::GoldenFile;

namespace {

bool is_nan(Dtype dtype, const std::byte* element) {
  if (dtype == Dtype::f32) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, element, sizeof bits);
    return (bits & 0x7FFFFFFFu) > 0x7F800000u;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, element, sizeof bits);
  return (bits & 0x7FFFu) > (dtype == Dtype::f16 ? 0x7C00u : 0x7F80u);
}

/// Elements that differ, two NaN being equal.
std::size_t differences(Dtype dtype, const std::vector<std::byte>& a,
                        const std::vector<std::byte>& b) {
  REQUIRE(a.size() == b.size());
  const std::size_t width = bits_of(dtype) / 8;
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); i += width) {
    const bool both_nan = is_nan(dtype, &a[i]) && is_nan(dtype, &b[i]);
    if (!both_nan && std::memcmp(&a[i], &b[i], width) != 0) ++different;
  }
  return different;
}

void check_cast(Dtype from, const std::vector<std::byte>& source,
                const test::GoldenTensor& golden) {
  const auto expected = golden.as<std::byte>();
  for (const auto convert : {cast_scalar, cast}) {
    std::vector<std::byte> result(expected.size());
    convert(from, source.data(), golden.dtype, result.data(), golden.count());
    CHECK(differences(golden.dtype, result, expected) == 0);
  }
}

std::vector<std::byte> every_16_bit_pattern() {
  std::vector<std::byte> patterns(2 * 65536);
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    std::memcpy(&patterns[2 * i], &bits, sizeof bits);
  }
  return patterns;
}

}  // namespace

TEST_CASE("casts of every 16-bit pattern equal torch's") {
  const GoldenFile golden("cast_16bit_all.safetensors");
  const auto patterns = every_16_bit_pattern();
  check_cast(Dtype::f16, patterns, golden.at("f16_to_bf16"));
  check_cast(Dtype::f16, patterns, golden.at("f16_to_f32"));
  check_cast(Dtype::bf16, patterns, golden.at("bf16_to_f16"));
  check_cast(Dtype::bf16, patterns, golden.at("bf16_to_f32"));
}

TEST_CASE("casts from f32 equal torch's, halfway points included") {
  const GoldenFile golden("cast_f32.safetensors");
  const auto source = golden.at("f32").as<std::byte>();
  check_cast(Dtype::f32, source, golden.at("to_bf16"));
  check_cast(Dtype::f32, source, golden.at("to_f16"));
}

TEST_CASE("every code of the eight-bit floats has torch's value") {
  const GoldenFile golden("cast_8bit_4bit.safetensors");
  const auto codes = golden.at("codes").as<std::byte>();
  check_cast(Dtype::f8_e4m3, codes, golden.at("e4m3fn_to_f32"));
  check_cast(Dtype::f8_e4m3, codes, golden.at("e4m3fn_to_bf16"));
  check_cast(Dtype::f8_e5m2, codes, golden.at("e5m2_to_f32"));
  check_cast(Dtype::f8_e8m0, codes, golden.at("e8m0_to_f32"));
  check_cast(Dtype::f8_e8m0, codes, golden.at("e8m0_to_bf16"));
  check_cast(Dtype::f8_e4m3fnuz, codes, golden.at("e4m3fnuz_to_f32"));
  check_cast(Dtype::f8_e5m2fnuz, codes, golden.at("e5m2fnuz_to_f32"));
}
