// Against what ggml v0.21 makes of the same blocks, bit for bit.

#include <cstring>
#include <string>

#include "../golden_file.hpp"
#include "catch.hpp"
#include "codecs/float_bits.hpp"
#include "decodable_types.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs;
using namespace plimsoll::codecs::ggml;
using codecs::test::GoldenFile;
using codecs::test::GoldenTensor;

namespace {

/// The golden values as elements of a dtype, rounded once.
std::vector<std::byte> rounded(const GoldenTensor& values, Dtype dtype) {
  if (dtype == Dtype::f32) return {values.bytes.begin(), values.bytes.end()};
  std::vector<std::byte> elements;
  for (const float value : values.as<float>()) {
    const std::uint16_t bits = dtype == Dtype::f16 ? f16_from_f32(value) : bf16_from_f32(value);
    elements.push_back(static_cast<std::byte>(bits & 0xFFu));
    elements.push_back(static_cast<std::byte>(bits >> 8));
  }
  return elements;
}

void check(Type type, const GoldenTensor& blocks, const GoldenTensor& values) {
  const std::size_t count = blocks.bytes.size() / traits_of(type).block_bytes;
  REQUIRE(count * traits_of(type).block_elements == values.count());
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::f16}) {
    INFO(name_of(dtype));
    const std::vector<std::byte> expected = rounded(values, dtype);
    std::vector<std::byte> decoded(expected.size());
    decode(type, blocks.bytes.data(), count, dtype, decoded.data());
    CHECK(decoded == expected);
    decode_scalar(type, blocks.bytes.data(), count, dtype, decoded.data());
    CHECK(decoded == expected);
  }
}

}  // namespace

TEST_CASE("blocks of every type decode to ggml's values") {
  std::size_t seen = 0;
  for (const Type type : ggml::test::decodable_types()) {
    if (type == Type::q8_k) continue;  // no golden data: of computations only
    const std::string name(traits_of(type).name);
    INFO(name);
    const GoldenFile golden("ggml/" + name + ".safetensors");
    check(type, golden.at("random_blocks"), golden.at("random_dequantized"));
    const auto& tensors = golden.tensors();
    for (const std::string suffix : {"", "_imatrix"}) {
      if (!tensors.contains("dequantized" + suffix)) continue;
      check(type, golden.at("quantized" + suffix), golden.at("dequantized" + suffix));
      ++seen;
    }
  }
  CHECK(seen == 25);
}
