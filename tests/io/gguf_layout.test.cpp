#include "io/gguf_layout.hpp"

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "gguf_file.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/gguf_order.hpp"
#include "mentions.hpp"

using namespace plimsoll::io;
using nlohmann::json;
using plimsoll::ErrorCode;
using plimsoll::codecs::ggml::Type;

namespace {

using Stored = std::vector<GgufStoredTensor>;

Stored stored(const std::vector<GgufTensor>& tensors) {
  Stored stored;
  for (const GgufTensor& tensor : tensors) {
    stored.push_back({tensor.name, tensor.type, tensor.shape});
  }
  return stored;
}

/// What llama-quantize sets in the metadata of a copy of an f32 model.
void set_as_llama_quantize(GgufMetadata& metadata) {
  metadata.set("general.quantization_version", GgufValue::of(std::uint32_t{2}));
  metadata.set("general.file_type", GgufValue::of(std::uint32_t{0}));
}

void check_parts(const GgufLayout& layout, const std::string& prefix) {
  const json bytes = json::parse(gguf_golden("expected.json"))["bytes"];
  const auto count = static_cast<std::uint32_t>(layout.parts.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = gguf_part_path(prefix, i, count);
    INFO(name);
    CHECK(layout.parts[i].header == gguf_golden(name + ".head"));
    CHECK(layout.parts[i].bytes == bytes[name]);
  }
}

void check_refused(const GgufStoredTensor& tensor, const std::string& reason) {
  const Stored tensors = {tensor};
  const auto layout = lay_out_gguf({}, tensors, {}, "out.gguf");
  REQUIRE(!layout);
  CHECK(layout.error().code() == ErrorCode::unsupported);
  CHECK(layout.error().file() == "out.gguf");
  CHECK(layout.error().tensor() == tensor.name);
  CHECK_MENTIONS(layout.error().reason(), reason);
}

}  // namespace

TEST_CASE("a GGUF file is laid out byte for byte as gguf-py writes it") {
  for (const char* name :
       {"le_v3.gguf", "alignment_1.gguf", "alignment_8.gguf", "alignment_32.gguf",
        "alignment_4096.gguf", "no_tensors.gguf", "whole.gguf"}) {
    INFO(name);
    const std::string file = gguf_golden(name);
    const auto source = read_gguf(file);
    REQUIRE(source);
    const auto layout = lay_out_gguf(source->metadata, stored(source->tensors), {}, "f");
    REQUIRE(layout);
    REQUIRE(layout->parts.size() == 1);
    const GgufPart& part = layout->parts[0];
    CHECK(part.alignment == source->alignment);
    CHECK(part.header == file.substr(0, part.header.size()));
    CHECK(part.bytes == file.size());
    CHECK(part.tensor_count == source->tensors.size());
    for (std::size_t i = 0; i < source->tensors.size(); ++i) {
      CHECK(layout->places[i].offset == source->tensors[i].offset);
      CHECK(layout->places[i].bytes == source->tensors[i].bytes);
      const std::uint64_t end = layout->places[i].offset + layout->places[i].padded_bytes;
      CHECK(end == (i + 1 < source->tensors.size() ? source->tensors[i + 1].offset : file.size()));
    }
  }
}

TEST_CASE("a big-endian GGUF file and one of version 2 are laid out as version 3, little-endian") {
  const std::string expected = gguf_golden("le_v3.gguf");
  for (const char* name : {"be_v2.gguf", "be_v3.gguf", "le_v2.gguf"}) {
    const auto source = read_gguf(gguf_golden(name));
    REQUIRE(source);
    const auto layout = lay_out_gguf(source->metadata, stored(source->tensors), {}, "f");
    REQUIRE(layout);
    CHECK(layout->parts[0].header == expected.substr(0, layout->parts[0].header.size()));
  }
}

TEST_CASE("a GGUF model keeps the parts it had as llama-quantize has them") {
  auto source = open_gguf_checkpoint(gguf_part_path(gguf_golden_path("split"), 0, 4));
  REQUIRE(source);
  set_as_llama_quantize(source->metadata);
  const GgufSplit split{GgufSplit::Keys::of_quantize, {0, 2, 2, 1}};
  const auto layout = lay_out_gguf(source->metadata, stored(source->tensors), split, "f");
  REQUIRE(layout);
  check_parts(*layout, "kept");
  CHECK(layout->places[0].part == 1);
  CHECK(layout->places[4].part == 3);
  CHECK(layout->places[4].offset == layout->parts[3].header.size());
  CHECK(layout->parts[3].first_tensor == 4);
}

TEST_CASE("a split GGUF model becomes one file without keys of a split one") {
  auto source = open_gguf_checkpoint(gguf_part_path(gguf_golden_path("split"), 2, 4));
  REQUIRE(source);
  set_as_llama_quantize(source->metadata);
  std::vector<std::string_view> names;
  for (const GgufTensor& tensor : source->tensors) names.push_back(tensor.name);
  Stored tensors;
  for (const std::uint32_t i : llama_quantize_order(names)) {
    tensors.push_back(stored(source->tensors)[i]);
  }
  const auto layout = lay_out_gguf(source->metadata, tensors, {}, "f");
  REQUIRE(layout);
  CHECK(layout->parts[0].header == gguf_golden("joined.gguf.head"));
  CHECK(layout->parts[0].bytes ==
        json::parse(gguf_golden("expected.json"))["bytes"]["joined.gguf"]);
}

TEST_CASE("tensors of a GGUF file are ordered by layer number, then by name") {
  const std::vector<std::string_view> names = {"blk.10.b", "output.weight", "blk.2.a", "blk.x",
                                               "blk.10.a", "blk.2",         "a"};
  CHECK(llama_quantize_order(names) == std::vector<std::uint32_t>{6, 3, 1, 5, 2, 4, 0});
}

TEST_CASE("a GGUF model is split by count and by size as llama-gguf-split does it") {
  const auto source = open_gguf_checkpoint(gguf_golden_path("whole.gguf"));
  REQUIRE(source);
  const Stored tensors = stored(source->tensors);
  const auto by_count =
      lay_out_gguf(source->metadata, tensors, split_gguf_by_count(tensors.size(), 2, false), "f");
  REQUIRE(by_count);
  CHECK(by_count->parts.size() == 3);
  check_parts(*by_count, "by_count");
  const auto empty_first =
      lay_out_gguf(source->metadata, tensors, split_gguf_by_count(tensors.size(), 3, true), "f");
  REQUIRE(empty_first);
  CHECK(empty_first->parts.size() == 3);
  check_parts(*empty_first, "empty_first");

  GgufMetadata metadata;
  metadata.append("general.architecture", GgufValue::of("none"));
  Stored large;
  for (const std::uint64_t rows :
       json::parse(gguf_golden("expected.json"))["rows of by_size"].get<Shape>()) {
    large.push_back(
        {std::string("t").append(std::to_string(large.size())), Type::f32, {rows, 1000}});
  }
  const auto by_size =
      lay_out_gguf(metadata, large, split_gguf_by_bytes(large, 1'000'000, false), "f");
  REQUIRE(by_size);
  CHECK(by_size->parts.size() == 3);
  check_parts(*by_size, "by_size");
}

TEST_CASE("a tensor that is larger than a part of a GGUF model has one to itself") {
  const Stored tensors = {{"a", Type::f32, {100}},
                          {"b", Type::f32, {1}},
                          {"c", Type::f32, {100}},
                          {"d", Type::f32, {1}},
                          {"e", Type::f32, {1}}};
  CHECK(split_gguf_by_bytes(tensors, 64, false).counts == std::vector<std::uint32_t>{1, 1, 1, 2});
  CHECK(split_gguf_by_bytes(tensors, 64, true).counts == std::vector<std::uint32_t>{0, 1, 1, 1, 2});
  CHECK(split_gguf_by_bytes(tensors, 1 << 20, false).counts == std::vector<std::uint32_t>{5});
  CHECK(split_gguf_by_bytes({}, 64, false).counts == std::vector<std::uint32_t>{0});
  CHECK(split_gguf_by_count(4, 2, false).counts == std::vector<std::uint32_t>{2, 2});
  CHECK(split_gguf_by_count(0, 2, false).counts == std::vector<std::uint32_t>{0});
}

TEST_CASE("every part of a GGUF model has the alignment that its own metadata say") {
  GgufMetadata metadata;
  metadata.append("general.alignment", GgufValue::of(std::uint32_t{256}));
  const Stored tensors = {{"a", Type::i8, {5}}, {"b", Type::i8, {5}}, {"c", Type::i8, {5}}};
  const auto layout = lay_out_gguf(metadata, tensors, {GgufSplit::Keys::of_quantize, {2, 1}}, "f");
  REQUIRE(layout);
  CHECK(layout->parts[0].alignment == 256);
  CHECK(layout->parts[0].header.size() % 256 == 0);
  CHECK(layout->parts[0].bytes == layout->parts[0].header.size() + 512);
  CHECK(layout->parts[1].alignment == 32);
  CHECK(layout->parts[1].bytes == layout->parts[1].header.size() + 32);
  for (const GgufPart& part : layout->parts) {
    const auto again = read_gguf(part.header + std::string(part.bytes - part.header.size(), '\0'));
    REQUIRE(again);
    CHECK(again->alignment == part.alignment);
    CHECK(again->data_offset == part.header.size());
  }
}

TEST_CASE("sizes of 1 at the front of a GGUF shape are left out, and zeros stay") {
  const auto shape_of = [](const Shape& shape) {
    const Stored tensors = {{"a", Type::f32, shape}};
    const auto layout = lay_out_gguf({}, tensors, {}, "f");
    REQUIRE(layout);
    const GgufPart& part = layout->parts[0];
    const auto again = read_gguf(part.header + std::string(part.bytes - part.header.size(), '\0'));
    REQUIRE(again);
    return again->tensors[0].shape;
  };
  CHECK(shape_of({1, 1, 7}) == Shape{7});
  CHECK(shape_of({5, 1, 7}) == Shape{5, 1, 7});
  CHECK(shape_of({7, 1}) == Shape{7, 1});
  CHECK(shape_of({1, 1}) == Shape{1});
  CHECK(shape_of({}) == Shape{1});
  CHECK(shape_of({0, 7}) == Shape{0, 7});
  CHECK(shape_of({1, 7, 0}) == Shape{7, 0});
}

TEST_CASE("what a GGUF file cannot hold is refused before anything is written") {
  constexpr std::uint64_t large = std::uint64_t{1} << 32;
  check_refused({"", Type::f32, {1}}, "without a name");
  check_refused({std::string(64, 'n'), Type::f32, {1}}, "the name has 64 bytes; GGUF allows 63");
  check_refused({std::string("a\0b", 3), Type::f32, {1}}, "NUL");
  check_refused({"a", Type::f32, {1, 1, 1, 1, 1}}, "5 dimensions; GGUF allows 4");
  check_refused({"a", Type::q4_k, {2, 128}}, "no whole blocks of q4_K");
  check_refused({"a", Type::q8_0, {}}, "no whole blocks of q8_0");
  check_refused({"a", Type::f32, {large, large}}, "does not fit 63 bits");
  check_refused({"a", Type::i8, {large, large / 2}}, "does not fit 63 bits");
  check_refused({"a", Type::i64, {large, large / 8}}, "does not fit 63 bits");

  const auto error_of = [](const Stored& tensors, const GgufSplit& split,
                           const GgufMetadata& metadata = {}) {
    const auto layout = lay_out_gguf(metadata, tensors, split, "f");
    REQUIRE(!layout);
    return layout.error();
  };
  const Stored two = {{"a", Type::i8, {large, large / 4}}, {"b", Type::i8, {large, large / 4}}};
  CHECK_MENTIONS(error_of(two, {}).reason(), "the file's size does not fit 63 bits");
  const Stored twice = {{"a", Type::f32, {1}}, {"a", Type::f32, {1}}};
  CHECK(error_of(twice, {}).code() == ErrorCode::internal);
  const Stored one = {{"a", Type::f32, {1}}};
  CHECK(error_of(one, {GgufSplit::Keys::of_split, {2}}).code() == ErrorCode::internal);
  GgufSplit many{GgufSplit::Keys::of_split, std::vector<std::uint32_t>(max_gguf_parts + 1)};
  many.counts[0] = 1;
  CHECK(error_of(one, many).code() == ErrorCode::unsupported);
  GgufMetadata metadata;
  metadata.append("general.alignment", GgufValue::of(std::uint32_t{3}));
  CHECK(error_of(one, {}, metadata).code() == ErrorCode::malformed);
}
