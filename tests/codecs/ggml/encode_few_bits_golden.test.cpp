// The quantizers of the IQ, ternary, FP4 and one- and two-bit types against ggml's own bytes.

#include <string>
#include <vector>

#include "../golden_file.hpp"
#include "catch.hpp"
#include "codecs/ggml/encode.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs::ggml;
using plimsoll::codecs::test::GoldenFile;

namespace {

constexpr std::size_t columns = 1024;

using Encode = decltype(&encode);

std::vector<std::byte> encoded(Encode function, Type type, const GoldenFile& golden,
                               bool with_importance) {
  const auto input = golden.at("input").as<float>();
  const auto importance = golden.at("imatrix").as<float>();
  const Rows rows = {Dtype::f32, reinterpret_cast<const std::byte*>(input.data()),
                     input.size() / columns, columns,
                     with_importance ? importance.data() : nullptr};
  const Traits& traits = traits_of(type);
  std::vector<std::byte> blocks(input.size() / traits.block_elements * traits.block_bytes);
  prepare_encoder(type);
  function(type, rows, blocks.data());
  return blocks;
}

/// The first byte that differs, or the size.
std::size_t equal_bytes(const std::vector<std::byte>& blocks, const GoldenFile& golden,
                        const std::string& tensor) {
  const auto expected = golden.at(tensor).bytes;
  REQUIRE(blocks.size() == expected.size());
  std::size_t i = 0;
  while (i < blocks.size() && blocks[i] == expected[i]) ++i;
  return i;
}

void check_golden(Type type, Encode function) {
  const std::string name(traits_of(type).name);
  INFO(name);
  const GoldenFile golden("ggml/" + name + ".safetensors");
  if (traits_of(type).importance != Importance::needed) {
    const auto blocks = encoded(function, type, golden, false);
    CHECK(equal_bytes(blocks, golden, "quantized") == blocks.size());
  }
  const auto blocks = encoded(function, type, golden, true);
  CHECK(equal_bytes(blocks, golden, "quantized_imatrix") == blocks.size());
}

constexpr Type types[] = {Type::iq1_s,   Type::iq1_m, Type::iq2_xxs, Type::iq2_xs, Type::iq2_s,
                          Type::iq3_xxs, Type::iq3_s, Type::iq4_nl,  Type::iq4_xs, Type::tq1_0,
                          Type::tq2_0,   Type::mxfp4, Type::nvfp4,   Type::q1_0,   Type::q2_0};

}  // namespace

TEST_CASE("the scalar quantizers of few bits give ggml's bytes") {
  for (const Type type : types) check_golden(type, encode_scalar);
}

TEST_CASE("the quantizers of few bits give ggml's bytes") {
  for (const Type type : types) check_golden(type, encode);
}
