#include "io/gguf_metadata.hpp"

#include <array>
#include <limits>

#include "catch.hpp"
#include "mentions.hpp"

using namespace plimsoll::io;
using plimsoll::ErrorCode;

namespace {

std::vector<std::string> keys_of(const GgufMetadata& metadata) {
  std::vector<std::string> keys;
  for (const auto& pair : metadata.pairs()) keys.push_back(pair.key);
  return keys;
}

GgufMetadata three_keys() {
  GgufMetadata metadata;
  for (const char* key : {"a", "b", "c"}) metadata.append(key, GgufValue::of(1.5f));
  return metadata;
}

}  // namespace

TEST_CASE("a GGUF value gives back what it was made of") {
  CHECK(GgufValue::of(std::uint8_t{200}).unsigned_at(0) == 200);
  CHECK(GgufValue::of(std::int8_t{-7}).signed_at(0) == -7);
  CHECK(GgufValue::of(std::uint16_t{65535}).exactly_at<std::uint16_t>(0) == 65535);
  CHECK(GgufValue::of(std::int16_t{-300}).signed_at(0) == -300);
  CHECK(GgufValue::of(std::uint32_t{4000000000}).signed_at(0) == 4000000000);
  CHECK(GgufValue::of(std::int32_t{-4}).signed_at(0) == -4);
  CHECK(GgufValue::of(std::uint64_t{1} << 63).unsigned_at(0) == std::uint64_t{1} << 63);
  CHECK(GgufValue::of(std::int64_t{-5}).signed_at(0) == -5);
  CHECK(GgufValue::of(0.1f).float_at(0) == double{0.1f});
  CHECK(GgufValue::of(0.1).float_at(0) == 0.1);
  CHECK(GgufValue::of(true).bool_at(0) == true);
  CHECK(GgufValue::of("text").string_at(0) == "text");
  const std::array<std::int32_t, 3> numbers = {1, -2, 3};
  const auto array = GgufValue::array_of(std::span<const std::int32_t>(numbers));
  CHECK(array.size() == 3);
  CHECK(array.signed_at(1) == -2);
  const std::array<std::string, 3> words = {"", "b", "cc"};
  const auto strings = GgufValue::array_of(std::span<const std::string>(words));
  CHECK(strings.size() == 3);
  for (std::size_t i = 0; i < words.size(); ++i) CHECK(strings.string_at(i) == words[i]);
}

TEST_CASE("a GGUF value is never read as something that it does not hold") {
  const auto negative = GgufValue::of(std::int32_t{-1});
  CHECK(!negative.unsigned_at(0));
  CHECK(!negative.float_at(0));
  CHECK(!negative.bool_at(0));
  CHECK(!negative.string_at(0));
  CHECK(!negative.exactly_at<std::uint32_t>(0));
  CHECK(!negative.signed_at(1));
  CHECK(!GgufValue::of(std::numeric_limits<std::uint64_t>::max()).signed_at(0));
  CHECK(!GgufValue::of(1.0f).signed_at(0));
  CHECK(!GgufValue::of(true).unsigned_at(0));
  CHECK(!GgufValue::of("x").string_at(1));
  CHECK(!GgufValue::array_of(std::span<const std::string>()).string_at(0));
  CHECK(!GgufValue::array_of(std::span<const double>()).float_at(0));
}

TEST_CASE("GGUF values are equal where type and bytes are") {
  const std::array<std::uint8_t, 1> one = {1};
  CHECK(GgufValue::of(std::uint8_t{1}) == GgufValue::of(std::uint8_t{1}));
  CHECK(!(GgufValue::of(std::uint8_t{1}) == GgufValue::of(std::int8_t{1})));
  CHECK(!(GgufValue::of(std::uint8_t{1}) == GgufValue::of(std::uint8_t{2})));
  CHECK(
      !(GgufValue::of(std::uint8_t{1}) == GgufValue::array_of(std::span<const std::uint8_t>(one))));
}

TEST_CASE("a GGUF key is set at the end, replaced in its place, and removed") {
  GgufMetadata metadata = three_keys();
  metadata.set("a", GgufValue::of(std::uint32_t{7}));
  CHECK(keys_of(metadata) == std::vector<std::string>{"b", "c", "a"});
  CHECK(metadata.find("a")->unsigned_at(0) == 7);
  metadata.replace("c", GgufValue::of("now"));
  CHECK(keys_of(metadata) == std::vector<std::string>{"b", "c", "a"});
  CHECK(metadata.find("c")->string_at(0) == "now");
  metadata.replace("d", GgufValue::of(true));
  CHECK(keys_of(metadata) == std::vector<std::string>{"b", "c", "a", "d"});
  CHECK(metadata.remove("c"));
  CHECK(!metadata.remove("c"));
  CHECK(keys_of(metadata) == std::vector<std::string>{"b", "a", "d"});
  CHECK(metadata.find("c") == nullptr);
}

TEST_CASE("a GGUF key that must be there is told missing or of another type") {
  GgufMetadata metadata;
  const std::array<std::uint32_t, 1> one = {1};
  metadata.append("count", GgufValue::of(std::uint16_t{3}));
  metadata.append("scale", GgufValue::of(0.5f));
  metadata.append("flag", GgufValue::of(false));
  metadata.append("name", GgufValue::of("n"));
  metadata.append("list", GgufValue::array_of(std::span<const std::uint32_t>(one)));
  CHECK(metadata.unsigned_of("count", "f") == 3);
  CHECK(metadata.float_of("scale", "f") == 0.5);
  CHECK(metadata.bool_of("flag", "f") == false);
  CHECK(metadata.string_of("name", "f") == "n");
  const auto missing = metadata.unsigned_of("other", "f");
  REQUIRE(!missing);
  CHECK(missing.error().code() == ErrorCode::malformed);
  CHECK(missing.error().file() == "f");
  CHECK(missing.error().reason() == "the key 'other' is missing");
  CHECK_MENTIONS(metadata.unsigned_of("scale", "f").error().reason(),
                 "the key 'scale' has a value of type f32 that is not an unsigned number");
  CHECK_MENTIONS(metadata.unsigned_of("list", "f").error().reason(), "of type arr of u32");
  CHECK_MENTIONS(metadata.float_of("count", "f").error().reason(), "not a floating-point number");
  CHECK_MENTIONS(metadata.bool_of("count", "f").error().reason(), "not true or false");
  CHECK_MENTIONS(metadata.string_of("count", "f").error().reason(), "not a string");
}

TEST_CASE("the alignment of a GGUF file comes from its metadata") {
  GgufMetadata metadata;
  CHECK(gguf_alignment(metadata, "f") == default_gguf_alignment);
  for (const std::uint32_t good : {1u, 32u, 4096u, max_gguf_alignment}) {
    metadata.set("general.alignment", GgufValue::of(good));
    CHECK(gguf_alignment(metadata, "f") == good);
  }
  metadata.set("general.alignment", GgufValue::of(std::uint32_t{48}));
  CHECK(gguf_alignment(metadata, "f").error().code() == ErrorCode::malformed);
  metadata.set("general.alignment", GgufValue::of(2 * max_gguf_alignment));
  CHECK(gguf_alignment(metadata, "f").error().code() == ErrorCode::unsupported);
}
