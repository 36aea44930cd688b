#include "io/gguf.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "gguf_file.hpp"
#include "mentions.hpp"

using namespace plimsoll::io;
using nlohmann::json;
using plimsoll::ErrorCode;

namespace ggml = plimsoll::codecs::ggml;

namespace {

struct Refused {
  std::string what;
  std::function<void(GgufFile&)> spoil;
  std::string reason;  // part of it
  std::string tensor;
  ErrorCode code = ErrorCode::malformed;
};

/// An element of a value as JSON has it.
json element(const GgufValue& value, std::uint64_t index) {
  if (const auto text = value.string_at(index)) return *text;
  if (const auto truth = value.bool_at(index)) return *truth;
  if (const auto number = value.unsigned_at(index)) return *number;
  if (const auto number = value.signed_at(index)) return *number;
  return value.float_at(index).value();
}

json as_json(const GgufValue& value) {
  if (!value.is_array()) return element(value, 0);
  json array = json::array();
  for (std::uint64_t i = 0; i < value.size(); ++i) array.push_back(element(value, i));
  return array;
}

/// Numbers as they look after they were stored as f32.
json rounded(json value) {
  if (value.is_array()) std::ranges::transform(value, value.begin(), rounded);
  if (value.is_number_float()) value = static_cast<float>(value.get<double>());
  return value;
}

void check_metadata(const GgufMetadata& metadata, const json& expected) {
  REQUIRE(metadata.pairs().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& [key, value] = metadata.pairs()[i];
    CHECK(key == expected[i][0]);
    CHECK(value.type_text() == expected[i][1]);
    CHECK(as_json(value) ==
          (value.type() == GgufType::f32 ? rounded(expected[i][2]) : expected[i][2]));
    CHECK(metadata.find(key) == &value);
  }
}

void check_tensors(const std::vector<GgufTensor>& tensors, const json& expected) {
  REQUIRE(tensors.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(expected[i]);
    CHECK(tensors[i].name == expected[i]["name"]);
    CHECK(tensors[i].type == ggml::type_of(expected[i]["type"].get<std::string>()));
    CHECK(tensors[i].shape == expected[i]["shape"].get<Shape>());
    CHECK(tensors[i].offset == expected[i]["offset"]);
    CHECK(tensors[i].bytes == expected[i]["bytes"]);
  }
}

void check_refused(const std::vector<Refused>& table) {
  for (const Refused& row : table) {
    GgufFile file;
    row.spoil(file);
    INFO(row.what);
    const auto header = read_gguf(file.bytes());
    REQUIRE(!header);
    CHECK(header.error().code() == row.code);
    CHECK(header.error().file() == "f");
    CHECK(header.error().tensor() == row.tensor);
    CHECK_MENTIONS(header.error().reason(), row.reason);
  }
}

}  // namespace

TEST_CASE("GGUF files of both versions, both byte orders and any alignment are read as written") {
  const json expected = json::parse(gguf_golden("expected.json"));
  for (const char* name :
       {"le_v2.gguf", "le_v3.gguf", "be_v2.gguf", "be_v3.gguf", "alignment_1.gguf",
        "alignment_8.gguf", "alignment_32.gguf", "alignment_4096.gguf", "no_tensors.gguf"}) {
    const std::string file = gguf_golden(name);
    const auto header = read_gguf(file);
    INFO(name);
    REQUIRE(header);
    CHECK(header->version == (std::string_view(name).find("v2") == std::string::npos ? 3 : 2));
    CHECK(header->big_endian == std::string_view(name).starts_with("be_"));
    check_metadata(header->metadata, expected[name]["metadata"]);
    check_tensors(header->tensors, expected[name]["tensors"]);
    const auto alignment = header->metadata.find("general.alignment");
    CHECK(header->alignment == (alignment == nullptr ? 32 : alignment->unsigned_at(0)));
  }
}

TEST_CASE("what GGUF allows is accepted") {
  const auto accepts = [](const std::string& what, const std::function<void(GgufFile&)>& change) {
    GgufFile file;
    change(file);
    const auto header = read_gguf(file.bytes());
    INFO(what << (header ? "" : header.error().what()));
    CHECK(header.has_value());
  };
  accepts("the file as it is", [](GgufFile&) {});
  accepts("no tensor and no padding", [](GgufFile& f) {
    f.tensors.clear();
    f.data_bytes = 0;
    f.alignment = 1;
  });
  accepts("nothing at all", [](GgufFile& f) {
    f.tensors.clear();
    f.pairs.clear();
    f.data_bytes = 0;
  });
  accepts("a size of zero", [](GgufFile& f) { f.tensors[2].sizes = {256, 0, 2}; });
  accepts("no size", [](GgufFile& f) { f.tensors[1].sizes = {}; });
  accepts("a name of 63 bytes", [](GgufFile& f) { f.tensors[0].name = std::string(63, 'n'); });
  accepts("no padding behind the last tensor", [](GgufFile& f) {
    std::swap(f.tensors[1], f.tensors[2]);
    f.tensors[1].offset = 768;
    f.tensors[2].offset = 768 + 288;
    f.data_bytes = 768 + 288 + 5;
  });
  accepts("bytes behind the last tensor", [](GgufFile& f) { f.data_bytes += 1000; });
  accepts("an alignment of 1", [](GgufFile& f) {
    f.pairs.push_back(packed_pair("general.alignment", 4, packed(std::uint32_t{1})));
    f.alignment = 1;
    f.tensors[2].offset = 773;
  });
  accepts("an empty array", [](GgufFile& f) {
    f.pairs.push_back(packed_pair("x", 9, packed(std::uint32_t{8}) + packed(std::uint64_t{0})));
  });
}

TEST_CASE("a GGUF file of another kind or version is refused with its reason") {
  check_refused({
      {"magic", [](GgufFile& f) { f.magic.back() = 'L'; }, "does not begin with \"GGUF\"", ""},
      {"version 0", [](GgufFile& f) { f.version = 0; }, "version is 0", ""},
      {"version 1", [](GgufFile& f) { f.version = 1; }, "convert the model again", "",
       ErrorCode::unsupported},
      {"version 4", [](GgufFile& f) { f.version = 4; }, "version 4 is not known", "",
       ErrorCode::unsupported},
      {"version 4, big-endian", [](GgufFile& f) { f.version = 0x04000000; },
       "version 4 is not known", "", ErrorCode::unsupported},
      {"tensors -1", [](GgufFile& f) { f.tensor_count = -1; }, "too short for its", ""},
      {"tensors 2^40", [](GgufFile& f) { f.tensor_count = std::int64_t{1} << 40; },
       "too short for its 1099511627776 tensors", ""},
      {"pairs -1", [](GgufFile& f) { f.pair_count = -1; }, "too short for its", ""},
      {"pairs 2^40", [](GgufFile& f) { f.pair_count = std::int64_t{1} << 40; },
       "too short for its 1099511627776 key-value pairs", ""},
  });
}

TEST_CASE("malformed metadata of a GGUF file are refused with their reason") {
  const auto add = [](const std::string& pair) {
    return [pair](GgufFile& f) { f.pairs.push_back(pair); };
  };
  const auto array = [](std::uint32_t type, std::uint64_t count, const std::string& elements) {
    return packed_pair("x", 9, packed(type) + packed(count) + elements);
  };
  const auto alignment = [&](std::uint32_t type, const std::string& value) {
    return add(packed_pair("general.alignment", type, value));
  };
  const std::uint64_t huge = std::uint64_t{1} << 61;
  check_refused({
      {"key of length -1", add(packed(std::int64_t{-1}) + std::string(40, 'k')),
       "ends within a key", ""},
      {"empty key", add(packed_pair("", 0, "\1")), "is empty", ""},
      {"key with NUL", add(packed_pair(std::string_view("a\0b", 3), 0, "\1")), "NUL", ""},
      {"type 13", add(packed_pair("x", 13, packed(1))),
       "the key 'x' has a value of the unknown type 13", ""},
      {"type -1", add(packed_pair("x", ~0u, packed(1))), "unknown type", ""},
      {"duplicate key", [](GgufFile& f) { f.pairs.push_back(f.pairs[0]); },
       "the key 'general.architecture' occurs twice", ""},
      {"array of arrays", add(array(9, 0, "")), "array of arrays", ""},
      {"array of type 13", add(array(13, 0, "")), "unknown type 13", ""},
      {"array longer than the file", add(array(0, 5000, "")), "longer than the file", ""},
      {"array whose bytes overflow", add(array(10, huge, "")), "longer than the file", ""},
      {"strings that do not fit", add(array(8, huge, "")), "longer than the file", ""},
      {"string longer than the file", add(packed_pair("x", 8, packed(huge))),
       "ends within a string", ""},
      {"alignment 13", alignment(4, packed(std::uint32_t{13})), "no power of two", ""},
      {"alignment 0", alignment(4, packed(std::uint32_t{0})), "no power of two", ""},
      {"alignment 2^31", alignment(4, packed(std::uint32_t{1} << 31)), "above the limit", "",
       ErrorCode::unsupported},
      {"alignment of type i32", alignment(5, packed(std::int32_t{32})), "is no u32 but i32", ""},
      {"alignments",
       alignment(9,
                 packed(std::uint32_t{4}) + packed(std::uint64_t{1}) + packed(std::uint32_t{32})),
       "is no u32 but arr of u32", ""},
  });
}

TEST_CASE("a malformed tensor of a GGUF file is refused with its reason and name") {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t int_max = std::numeric_limits<std::int32_t>::max();
  const auto sizes = [](std::vector<std::int64_t> values) {
    return [values = std::move(values)](GgufFile& f) { f.tensors[2].sizes = values; };
  };
  const auto type = [](std::uint32_t id) { return [id](GgufFile& f) { f.tensors[2].type = id; }; };
  std::vector<Refused> table = {
      {"long name", [](GgufFile& f) { f.tensors[1].name = std::string(64, 'n'); },
       "name has 64 bytes, more than 63", ""},
      {"name of length -1", [](GgufFile& f) { f.tensors[1].name_bytes = ~std::uint64_t{0}; },
       "more than 63", ""},
      {"empty name", [](GgufFile& f) { f.tensors[1].name.clear(); }, "is empty", ""},
      {"name with NUL", [](GgufFile& f) { f.tensors[1].name = std::string("b\0c", 3); }, "NUL",
       std::string("b\0c", 3)},
      {"same name", [](GgufFile& f) { f.tensors[2].name = f.tensors[0].name; }, "occurs twice",
       "a"},
      {"5 dimensions", sizes({256, 1, 1, 1, 1}), "5 dimensions, more than 4", "c"},
      {"10^6 dimensions", [](GgufFile& f) { f.tensors[2].rank = 1'000'000; }, "1000000 dimensions",
       "c"},
      {"negative size", sizes({256, -1}), "negative", "c"},
      {"most negative size", sizes({256, std::numeric_limits<std::int64_t>::min()}), "negative",
       "c"},
      {"4 x INT32_MAX", sizes({1024 * int_max, 4 * int_max, 4 * int_max, 4 * int_max}),
       "does not fit 63 bits", "c"},
      {"a product that wraps to 0", sizes({std::int64_t{1} << 32, std::int64_t{1} << 32}),
       "does not fit 63 bits", "c"},
      {"a product that wraps to 4", sizes({std::int64_t{1} << 32, (std::int64_t{1} << 32) + 1, 4}),
       "does not fit 63 bits", "c"},
      {"strides that wrap", sizes({std::int64_t{1} << 32, std::int64_t{1} << 32, 0}),
       "does not fit 63 bits", "c"},
      {"strides in bytes that wrap",
       [](GgufFile& f) {
         f.tensors[2].type = 0;
         f.tensors[2].sizes = {0, 1 << 30, 1 << 30, 2};
       },
       "does not fit 63 bits", "c"},
      {"bytes that wrap",
       [most](GgufFile& f) {
         f.tensors[2].type = 27;
         f.tensors[2].sizes = {most / 4};
       },
       "does not fit 63 bits", "c"},
      {"half a block", sizes({128, 2}), "no whole blocks of q4_K (256)", "c"},
      {"no size, but blocks", sizes({}), "no whole blocks", "c"},
      {"offset -1", [](GgufFile& f) { f.tensors[2].offset = ~std::uint64_t{0}; },
       "begin at offset 18446744073709551615, but at 800", "c"},
      {"offset into another tensor", [](GgufFile& f) { f.tensors[2].offset = 768; },
       "begin at offset 768, but at 800", "c"},
      {"packed at another alignment",
       [](GgufFile& f) {
         f.tensors[2].offset = 776;
         f.alignment = 8;
       },
       "begin at offset 776, but at 800", "c"},
      {"one byte short", [](GgufFile& f) { f.data_bytes -= 1; }, "end behind the file", "c"},
      {"no data", [](GgufFile& f) { f.data_bytes = 0; }, "end behind the file", "a"},
      {"sizes that overflow when summed",
       [most](GgufFile& f) {
         f.tensors = {{"a", {most}, 24, 0, {}, {}},
                      {"b", {most}, 24, (most + std::uint64_t{32}) / 32 * 32, {}, {}},
                      {"c", {most}, 24, 0, {}, {}}};
       },
       "do not fit 64 bits", "b"},
  };
  for (const std::uint32_t id : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, ~0u}) {
    table.push_back({"type " + std::to_string(id), type(id),
                     "the number " + std::to_string(id) + ", which is unknown or was removed", "c",
                     ErrorCode::unsupported});
  }
  check_refused(table);
}

TEST_CASE("a GGUF file may end anywhere without harm") {
  for (const char* name : {"le_v3.gguf", "be_v2.gguf"}) {
    const std::string file = gguf_golden(name);
    const auto whole = read_gguf(file);
    REQUIRE(whole);
    const GgufTensor& last = whole->tensors.back();
    for (std::size_t length = 0; length < last.offset + last.bytes; ++length) {
      const auto header = read_gguf(std::string_view(file).substr(0, length));
      REQUIRE(!header);
      CHECK(header.error().code() == ErrorCode::malformed);
    }
    CHECK(read_gguf(std::string_view(file).substr(0, last.offset + last.bytes)));
  }
}

TEST_CASE("a GGUF file with any one byte changed is read or refused without harm") {
  for (const char* name : {"alignment_8.gguf", "be_v3.gguf"}) {
    std::string file = gguf_golden(name);
    const std::uint64_t end = read_gguf(file)->data_offset;
    for (std::size_t at = 0; at < end; ++at) {
      for (const unsigned char bits : {0x01, 0x20, 0x80, 0xff}) {
        file[at] = static_cast<char>(file[at] ^ bits);
        const auto header = read_gguf(file);
        if (header) {
          for (const GgufTensor& tensor : header->tensors) {
            REQUIRE(tensor.offset <= file.size());
            REQUIRE(tensor.bytes <= file.size() - tensor.offset);
          }
        } else {
          CHECK(!header.error().reason().empty());
        }
        file[at] = static_cast<char>(file[at] ^ bits);
      }
    }
  }
}

TEST_CASE("a long GGUF header is read in a few growing pieces, and nothing behind them") {
  GgufFile file;
  file.tensors.clear();
  for (int i = 0; i < 60'000; ++i) {
    file.tensors.push_back({"blk." + std::to_string(i) + ".attn_q.weight",
                            {8},
                            0,
                            32 * static_cast<std::uint64_t>(i),
                            {},
                            {}});
  }
  file.data_bytes = 32 * file.tensors.size();
  const std::string bytes = file.bytes();
  int reads = 0;
  std::uint64_t position = 0;
  const auto read = [&](std::uint64_t offset,
                        std::span<char> destination) -> plimsoll::Expected<void> {
    ++reads;
    CHECK(offset == position);
    position += destination.size();
    REQUIRE(position <= bytes.size());
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), destination.size(),
                destination.begin());
    return {};
  };
  const auto header = read_gguf_header(bytes.size(), read, "f");
  REQUIRE(header);
  CHECK(header->tensors.size() == 60'000);
  CHECK(header->tensors.back().offset == bytes.size() - 32);
  CHECK(position < header->data_offset + (std::uint64_t{1} << 20));
  CHECK(reads < 12);
}

TEST_CASE("a failed read of a GGUF header is reported as it came") {
  const auto read = [](std::uint64_t, std::span<char>) -> plimsoll::Expected<void> {
    return plimsoll::fail(ErrorCode::read_failed, "the disk is gone", "f");
  };
  const auto header = read_gguf_header(1000, read, "f");
  REQUIRE(!header);
  CHECK(header.error().code() == ErrorCode::read_failed);
  CHECK(header.error().reason() == "the disk is gone");
}

TEST_CASE("a GGUF file's claims take no memory before its bytes back them") {
  // So many bytes are there by the file's length alone, as in a sparse file; none is ever read.
  const std::uint64_t claimed = std::uint64_t{1} << 50;
  GgufFile file;
  file.tensors.clear();
  file.pairs = {packed_pair("x", 9, packed(std::uint32_t{0}) + packed(claimed / 2))};
  const std::string header = file.header();
  const auto read = [&](std::uint64_t offset,
                        std::span<char> destination) -> plimsoll::Expected<void> {
    std::ranges::fill(destination, '\0');
    if (offset >= header.size()) return {};
    const std::string_view rest = std::string_view(header).substr(offset, destination.size());
    std::ranges::copy(rest, destination.begin());
    return {};
  };
  const auto result = read_gguf_header(claimed, read, "f");
  REQUIRE(!result);
  CHECK(result.error().code() == ErrorCode::unsupported);
  CHECK_MENTIONS(result.error().reason(), "the header is longer than");
}
