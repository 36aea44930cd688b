#include "io/safetensors.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include "catch.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using plimsoll::Dtype;
using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::io;

namespace {

/// Parses a whole file's bytes as open_checkpoint would.
Expected<SafetensorsHeader> parse(std::string file) {
  const auto bytes = header_bytes_of({file.data(), file.size()}, file.size(), "f");
  if (!bytes) return plimsoll::fail(bytes.error());
  const std::uint64_t length = file.size();
  file.append(json_padding, '\xff');
  SafetensorsParser parser;
  return parser.parse({file.data() + header_word_bytes, *bytes}, length, "f");
}

Expected<SafetensorsHeader> parse(std::string_view json, std::size_t data_bytes) {
  return parse(safetensors_file(json, std::string(data_bytes, 'x')));
}

/// The JSON object of these members.
std::string object(std::initializer_list<std::string> members) {
  std::string text(1, '{');
  for (const std::string& member : members) {
    if (text.size() > 1) text.append(1, ',');
    text.append(member);
  }
  return text.append(1, '}');
}

/// A header with one tensor "a" whose entry holds `members`.
std::string entry(const std::string& members) {
  return object({std::string(R"("a":)").append(object({members}))});
}

std::string u8(const std::string& name, int begin, int end) {
  return fmt::format(R"("{}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})", name,
                     end - begin, begin, end);
}

struct Malformed {
  std::string json;
  std::size_t data_bytes;
  std::string reason;  // part of it
  std::string tensor;
};

}  // namespace

TEST_CASE("a header's entries come out in the order of their data") {
  const auto header = parse(R"({"late":{"dtype":"BF16","shape":[2,3],"data_offsets":[3,15]},)"
                            R"("early":{"dtype":"I8","shape":[3],"data_offsets":[0,3]},)"
                            R"("__metadata__":{"format":"pt","x":""}}   )",
                            15);
  REQUIRE(header);
  REQUIRE(header->tensors.size() == 2);
  CHECK(header->tensors[0].name == "early");
  CHECK(header->tensors[0].dtype == Dtype::i8);
  const TensorEntry& late = header->tensors[1];
  CHECK(late.name == "late");
  CHECK(late.shape == Shape{2, 3});
  CHECK(late.bytes == 12);
  CHECK(late.offset == header->tensors[0].offset + 3);
  CHECK(header->metadata == std::map<std::string, std::string>{{"format", "pt"}, {"x", ""}});
}

TEST_CASE("what the format allows is accepted") {
  const auto accepts = [](std::string_view json, std::size_t data_bytes) {
    const auto header = parse(json, data_bytes);
    INFO(json);
    INFO((header ? "" : header.error().what()));
    CHECK(header.has_value());
  };
  accepts("{}", 0);
  accepts("{} \r\n\t", 0);
  accepts("{ \"a\" :\n" + u8("a", 0, 2).substr(4) + " }", 2);
  accepts(R"({"__metadata__":null})", 0);
  accepts(R"({"__metadata__":{}})", 0);
  accepts(entry(R"("dtype":"F32","shape":[],"data_offsets":[0,4])"), 4);
  accepts(entry(R"("dtype":"F32","shape":[2,0],"data_offsets":[0,0])"), 0);
  accepts(entry(R"("dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0])"), 0);
  accepts(entry(R"("dtype":"U8","shape":[2],"data_offsets":[0,2],"x":[{"y":null}])"), 2);
  accepts(object({u8("", 0, 2), u8("nul\\u0000", 2, 4)}), 4);
  // Empty tensors may share a place with each other and with what begins or ends there.
  accepts(object({u8("b", 0, 2), u8("a", 0, 0), u8("c", 2, 2), u8("d", 2, 2)}), 2);
  std::string ones = "1";
  for (int i = 0; i < 5000; ++i) ones += ",1";
  accepts(entry(R"("dtype":"U8","shape":[)" + ones + R"(],"data_offsets":[0,1])"), 1);
}

TEST_CASE("every dtype of the format is catalogued with its size") {
  for (int i = 0; i < plimsoll::dtype_count; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const unsigned bytes = bits_of(dtype);  // of eight elements
    const auto header =
        parse(entry(R"("dtype":")" + std::string(name_of(dtype)) +
                    R"(","shape":[2,4],"data_offsets":[0,)" + std::to_string(bytes) + "]"),
              bytes);
    REQUIRE(header);
    CHECK(header->tensors.at(0).dtype == dtype);
    CHECK(header->tensors.at(0).bytes == bytes);
  }
}

TEST_CASE("a malformed header is refused with its reason and tensor") {
  const std::string good = u8("a", 0, 2);
  const std::vector<Malformed> table = {
      // the text
      {"", 0, "does not begin with '{'", ""},
      {fmt::format(" {{{}}}", good), 2, "does not begin with '{'", ""},
      {"\n{}", 0, "does not begin with '{'", ""},
      {"\xef\xbb\xbf{}", 0, "does not begin with '{'", ""},
      {"[]", 0, "does not begin with '{'", ""},
      {"null", 0, "does not begin with '{'", ""},
      {"{", 0, "not valid JSON", ""},
      {"{}}", 0, "not valid JSON", ""},
      {"{}{}", 0, "not valid JSON", ""},
      {std::string("{}\0", 3), 0, "not valid JSON", ""},
      {fmt::format("{{{},}}", good), 2, "not valid JSON", ""},
      {fmt::format("{{{0}{0}}}", good), 2, "not valid JSON", ""},
      {"{'a':1}", 0, "not valid JSON", ""},
      {"{\"a\nb\":1}", 0, "not valid JSON", ""},
      {R"({"\ud800":1})", 0, "not valid JSON", ""},
      {R"({"a":tru})", 0, "not valid JSON", ""},
      {"{\"\xff\":1}", 0, "not valid UTF-8", ""},
      {"{\"\xed\xa0\x80\":1}", 0, "not valid UTF-8", ""},
      {"{\"a\":" + std::string(100'000, '['), 0, "not", ""},
      {"{\"a\":" + std::string(500, '[') + std::string(500, ']') + "}", 0, "nests too deeply", ""},
      // entries
      {R"({"a":7})", 0, "the entry is not an object", "a"},
      {R"({"a":["U8",[2],[0,2]]})", 2, "the entry is not an object", "a"},
      {entry(R"("shape":[2],"data_offsets":[0,2])"), 2, "dtype is missing", "a"},
      {entry(R"("dtype":"U8","data_offsets":[0,2])"), 2, "shape is missing", "a"},
      {entry(R"("dtype":"U8","shape":[2])"), 2, "data_offsets are missing", "a"},
      {entry(R"("dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2])"), 2,
       "dtype occurs twice", "a"},
      {entry(R"("dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2])"), 2,
       "shape occurs twice", "a"},
      {entry(R"("dtype":"U8","shape":[2],"data_offsets":[0,2],"data_offsets":[0,2])"), 2,
       "data_offsets occur twice", "a"},
      {entry(R"("dtype":"u8","shape":[2],"data_offsets":[0,2])"), 2, "unknown dtype u8", "a"},
      {entry(R"("dtype":8,"shape":[2],"data_offsets":[0,2])"), 2, "dtype is not a string", "a"},
      {entry(R"("dtype":"U8","shape":2,"data_offsets":[0,2])"), 2, "shape is not an array", "a"},
      {entry(R"("dtype":"U8","shape":[-2],"data_offsets":[0,2])"), 2, "unsigned integers", "a"},
      {entry(R"("dtype":"U8","shape":[2.0],"data_offsets":[0,2])"), 2, "unsigned integers", "a"},
      {entry(R"("dtype":"U8","shape":[2e0],"data_offsets":[0,2])"), 2, "unsigned integers", "a"},
      {entry(R"("dtype":"U8","shape":["2"],"data_offsets":[0,2])"), 2, "unsigned integers", "a"},
      {entry(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,2])"), 2, "number",
       ""},
      {entry(R"("dtype":"U8","shape":[2],"data_offsets":7)"), 2, "not an array", "a"},
      {entry(R"("dtype":"U8","shape":[2],"data_offsets":[0])"), 2, "two values", "a"},
      {entry(R"("dtype":"U8","shape":[2],"data_offsets":[0,2,2])"), 2, "two values", "a"},
      {entry(R"("dtype":"U8","shape":[2],"data_offsets":[-1,1])"), 2, "unsigned integers", "a"},
      {entry(R"("dtype":"U8","shape":[2],"data_offsets":[2,0])"), 2, "end before they begin", "a"},
      // sizes
      {entry(R"("dtype":"I32","shape":[2,2],"data_offsets":[0,4])"), 4,
       "make 16 bytes, data_offsets span 4", "a"},
      {entry(R"("dtype":"I32","shape":[2,18446744073709551614],"data_offsets":[0,16])"), 16,
       "does not fit 64 bits", "a"},
      {entry(R"("dtype":"I32","shape":[2,9223372036854775807],"data_offsets":[0,16])"), 16,
       "does not fit 64 bits", "a"},
      {entry(R"("dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0])"), 0,
       "does not fit 64 bits", "a"},
      {entry(R"("dtype":"U8","shape":[2305843009213693952],"data_offsets":[0,0])"), 0,
       "does not fit 64 bits", "a"},
      {entry(R"("dtype":"F4","shape":[3],"data_offsets":[0,2])"), 2, "whole bytes", "a"},
      {entry(R"("dtype":"F6_E2M3","shape":[3],"data_offsets":[0,2])"), 2, "whole bytes", "a"},
      // tiling
      {object({good}), 1, "ends behind the file", "a"},
      {object({good}), 3, "1 bytes at the end of the file", ""},
      {"{}", 5, "5 bytes at the end of the file", ""},
      {object({u8("a", 1, 3)}), 3, "1 bytes before its data", "a"},
      {object({u8("a", 0, 2), u8("b", 3, 4)}), 4, "1 bytes before its data", "b"},
      {object({u8("a", 0, 2), u8("b", 1, 3)}), 3, "overlaps", "b"},
      {object({u8("a", 0, 2), u8("b", 0, 2)}), 2, "overlaps", "b"},
      {object({u8("a", 0, 2), u8("b", 1, 1)}), 2, "overlaps", "b"},
      // names
      {object({good, good}), 2, "the name occurs twice", "a"},
      {object({u8("a", 0, 2), u8("\\u0061", 2, 4)}), 4, "the name occurs twice", "a"},
      // metadata
      {R"({"__metadata__":[]})", 0, "not an object", ""},
      {R"({"__metadata__":{"a":1}})", 0, "not a string", ""},
      {R"({"__metadata__":{"a":null}})", 0, "not a string", ""},
      {R"({"__metadata__":{"a":"1","a":"1"}})", 0, "a key twice", ""},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "occurs twice", ""},
  };
  for (const Malformed& row : table) {
    const auto header = parse(row.json, row.data_bytes);
    INFO(row.json.substr(0, 200));
    REQUIRE_FALSE(header);
    CHECK(header.error().code() == ErrorCode::malformed);
    CHECK_MENTIONS(header.error().reason(), row.reason);
    CHECK(header.error().tensor() == row.tensor);
    CHECK(header.error().file() == "f");
  }
}

TEST_CASE("a header's length must fit the limit and the file") {
  const auto reason_of = [](const std::string& file) {
    const auto header = parse(file);
    return header ? std::string("accepted") : header.error().reason();
  };
  CHECK_MENTIONS(reason_of(""), "too short");
  CHECK_MENTIONS(reason_of(std::string(7, '\0')), "too short");
  CHECK_MENTIONS(reason_of(std::string("<\0\0\0\0\0\0\0", 8)), "reaches behind");
  CHECK_MENTIONS(reason_of(std::string("\3\0\0\0\0\0\0\0{}", 10)), "reaches behind");
  CHECK_MENTIONS(reason_of(std::string(8, '\xff') + "{}"), "above the limit");
  // 100,000,001 and 100,000,000
  CHECK_MENTIONS(reason_of(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)), "above the limit");
  CHECK_MENTIONS(reason_of(std::string("\x00\xe1\xf5\x05\0\0\0\0", 8) + std::string(42, ' ')),
                 "reaches behind");
}

TEST_CASE("many overlapping entries are refused at once") {
  std::string json = "{";
  for (int i = 0; i < 100'000; ++i) {
    json += (i > 0 ? "," : "");
    json += u8(fmt::format("weight_{}", i), 0, 16);
  }
  const auto header = parse(json + "}", 16);
  REQUIRE_FALSE(header);
  CHECK_MENTIONS(header.error().reason(), "overlaps");
}

TEST_CASE("one parser serves files of any size one after another") {
  SafetensorsParser parser;
  for (const int count : {3, 2000, 1, 500}) {
    std::string json = "{";
    for (int i = 0; i < count; ++i) {
      json += (i > 0 ? "," : "");
      json += u8(fmt::format("t{}", i), i, i + 1);
    }
    json += "}";
    const std::uint64_t bytes = header_word_bytes + json.size() + static_cast<unsigned>(count);
    const std::string padded = json + std::string(json_padding, '\0');
    const auto header = parser.parse({padded.data(), json.size()}, bytes, "f");
    REQUIRE(header);
    CHECK(header->tensors.size() == static_cast<unsigned>(count));
    CHECK(header->tensors.back().offset + header->tensors.back().bytes == bytes);
    CHECK_FALSE(parser.parse({padded.data(), json.size() - 1}, bytes, "f"));
  }
}
