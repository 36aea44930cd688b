#include <string>
#include <string_view>
#include <vector>

#include "../golden_file.hpp"
#include "catch.hpp"
#include "codecs/ggml/encode.hpp"

using namespace plimsoll;
using namespace plimsoll::codecs::ggml;
using plimsoll::codecs::test::GoldenFile;

namespace {

/// The number of the first block that differs; their count if none does.
std::size_t first_difference(const std::vector<std::byte>& ours,
                             const std::vector<std::byte>& theirs, std::size_t block_bytes) {
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    if (ours[i] != theirs[i]) return i / block_bytes;
  }
  return theirs.size() / block_bytes;
}

/// Quantizes a file's `input` by both functions and compares with its tensor `expected`.
void check_golden(const std::string& name, const float* importance, const std::string& expected) {
  INFO(name << ", " << expected);
  const GoldenFile file("ggml/" + name + ".safetensors");
  const Traits& traits = traits_of(type_of(name).value());
  const auto input = file.at("input").as<float>();
  const auto theirs = file.at(expected).as<std::byte>();
  Rows rows;
  rows.source = reinterpret_cast<const std::byte*>(input.data());
  rows.columns = file.at("imatrix").count();
  rows.count = input.size() / rows.columns;
  rows.importance = importance;
  REQUIRE(theirs.size() == input.size() / traits.block_elements * traits.block_bytes);
  prepare_encoder(traits.type);
  for (const auto function : {encode_scalar, encode}) {
    std::vector<std::byte> ours(theirs.size());
    function(traits.type, rows, ours.data());
    CHECK(first_difference(ours, theirs, traits.block_bytes) == theirs.size() / traits.block_bytes);
  }
}

constexpr const char* names[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0",
                                 "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"};

}  // namespace

TEST_CASE("blocks quantized without importance are ggml's, byte for byte") {
  for (const std::string name : names) check_golden(name, nullptr, "quantized");
}

TEST_CASE("blocks quantized with importance are ggml's, byte for byte") {
  for (const std::string name : names) {
    const auto importance = GoldenFile("ggml/" + name + ".safetensors").at("imatrix").as<float>();
    check_golden(name, importance.data(), "quantized_imatrix");
  }
}
