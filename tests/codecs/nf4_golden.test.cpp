#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "catch.hpp"
#include "codecs/float_bits.hpp"
#include "codecs/nf4.hpp"
#include "golden_file.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using plimsoll::codecs::test::GoldenFile;
using plimsoll::codecs::test::GoldenTensor;

namespace {

struct GoldenCase {
  std::string input;  // name of the input tensor
  std::uint32_t blocksize;
  std::string prefix;  // of the result tensors
};

/// The cases of a result file: tensor names are <case>.<dtype>.nf4.b<blocksize>.<what>.
std::vector<GoldenCase> cases_of(const GoldenFile& results) {
  std::vector<GoldenCase> cases;
  for (const auto& [name, tensor] : results.tensors()) {
    const std::string ending = ".packed";
    if (!name.ends_with(ending)) continue;
    const std::string prefix = name.substr(0, name.size() - ending.size());
    const std::size_t format = prefix.find(".nf4.b");
    cases.push_back({prefix.substr(0, format) + ".input",
                     static_cast<std::uint32_t>(std::stoul(prefix.substr(format + 6))), prefix});
  }
  return cases;
}

/// NaN is compared as a class: its payload is not part of the recipe.
bool same_f32(float a, float b) {
  return (a != a && b != b) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

std::size_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  std::size_t i = 0;
  while (i < a.size() && same_f32(a[i], b[i])) ++i;
  return i;
}

std::vector<float> widened(const std::byte* elements, std::size_t count, Dtype dtype) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (dtype == Dtype::f32) {
      std::memcpy(&values[i], elements + i * 4, 4);
      continue;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, elements + i * 2, 2);
    values[i] = dtype == Dtype::f16 ? f32_from_f16(bits) : f32_from_bf16(bits);
  }
  return values;
}

constexpr std::pair<const char*, Dtype> dtypes[] = {
    {"f32", Dtype::f32}, {"f16", Dtype::f16}, {"bf16", Dtype::bf16}};

}  // namespace

TEST_CASE("the code book is the library's") {
  const GoldenFile books("bnb4_codebooks.safetensors");
  const auto values = books.at("nf4").as<float>();
  CHECK(std::memcmp(values.data(), nf4_values.data(), sizeof nf4_values) == 0);
}

TEST_CASE("nf4 of the cpu variant equals bitsandbytes byte for byte") {
  const GoldenFile inputs("bnb4_inputs.safetensors");
  for (const auto& [name, dtype] : dtypes) {
    const GoldenFile results("bnb4_nf4_" + std::string(name) + ".safetensors");
    const auto cases = cases_of(results);
    REQUIRE(cases.size() == 62);
    for (const GoldenCase& golden : cases) {
      INFO(golden.prefix);
      const GoldenTensor& input = inputs.at(golden.input);
      REQUIRE(input.dtype == dtype);
      const auto source = input.as<std::byte>();
      const auto expected = results.at(golden.prefix + ".packed").as<std::byte>();
      const auto expected_absmax = results.at(golden.prefix + ".absmax").as<float>();
      for (const auto quantize : {nf4_quantize_scalar, nf4_quantize}) {
        std::vector<std::byte> packed(expected.size());
        std::vector<float> absmax(expected_absmax.size());
        quantize(dtype, source.data(), input.count(), Nf4Variant::cpu, golden.blocksize,
                 packed.data(), absmax.data());
        CHECK((packed == expected));
        CHECK(first_difference(absmax, expected_absmax) == absmax.size());
      }
    }
  }
}

TEST_CASE("decoded nf4 equals bitsandbytes bit for bit in every dtype") {
  std::size_t compared = 0;
  for (const auto& [name, input_dtype] : dtypes) {
    const GoldenFile results("bnb4_nf4_" + std::string(name) + ".safetensors");
    for (const GoldenCase& golden : cases_of(results)) {
      const auto packed = results.at(golden.prefix + ".packed").as<std::byte>();
      const auto absmax = results.at(golden.prefix + ".absmax").as<float>();
      for (const auto& [suffix, dtype] : dtypes) {
        const auto found = results.tensors().find(golden.prefix + ".dequant_" + suffix);
        if (found == results.tensors().end()) continue;
        INFO(found->first);
        const GoldenTensor& expected = found->second;
        std::vector<std::byte> decoded(expected.bytes.size());
        nf4_dequantize(packed.data(), absmax.data(), expected.count(), golden.blocksize, dtype,
                       decoded.data());
        const auto ours = widened(decoded.data(), expected.count(), dtype);
        const auto theirs = widened(expected.bytes.data(), expected.count(), dtype);
        CHECK(first_difference(ours, theirs) == ours.size());
        ++compared;
      }
    }
  }
  CHECK(compared == 180);
}
