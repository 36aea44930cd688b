#include "io/expected_tensors.hpp"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using plimsoll::Dtype;
using plimsoll::ErrorCode;
using namespace plimsoll::io;

namespace {

std::string entry(const std::string& name, const std::string& dtype) {
  return R"({"name":")" + name + R"(","shape":[2,3],"dtype":")" + dtype + R"("})";
}

std::string list(std::initializer_list<std::string> entries) {
  std::string text;
  for (const std::string& each : entries) text.append(text.empty() ? "[" : ",").append(each);
  return text.append("]");
}

}  // namespace

TEST_CASE("a JSON list gives names, shapes and dtypes in its order") {
  const ScratchDirectory scratch;
  const auto tensors = read_expected_tensors(scratch.write("want.json", R"( [
    {"name": "b.weight", "shape": [4, 6], "dtype": "BF16", "requires_grad": true},
    {"dtype": "torch.float32", "shape": [], "name": "a\u00e9"},
    {"name": "empty", "shape": [0, 18446744073709551615], "dtype": "int64"}
  ] )"));
  REQUIRE(tensors);
  CHECK(*tensors == std::vector<ExpectedTensor>{{"b.weight", Dtype::bf16, {4, 6}},
                                                {"a\xc3\xa9", Dtype::f32, {}},
                                                {"empty", Dtype::i64, {0, 18446744073709551615u}}});
}

TEST_CASE("a dtype is spelled as safetensors or as torch does") {
  const std::vector<std::pair<std::string, Dtype>> spellings = {
      {"BF16", Dtype::bf16},
      {"bfloat16", Dtype::bf16},
      {"torch.bfloat16", Dtype::bf16},
      {"F16", Dtype::f16},
      {"torch.half", Dtype::f16},
      {"float", Dtype::f32},
      {"torch.float64", Dtype::f64},
      {"F8_E4M3", Dtype::f8_e4m3},
      {"torch.float8_e4m3fn", Dtype::f8_e4m3},
      {"float8_e5m2", Dtype::f8_e5m2},
      {"torch.float8_e8m0fnu", Dtype::f8_e8m0},
      {"bool", Dtype::boolean},
      {"BOOL", Dtype::boolean},
      {"torch.uint8", Dtype::u8},
      {"I64", Dtype::i64},
  };
  const ScratchDirectory scratch;
  for (const auto& [spelled, dtype] : spellings) {
    INFO(spelled);
    const auto tensors =
        read_expected_tensors(scratch.write("want.json", list({entry("w", spelled)})));
    REQUIRE(tensors);
    CHECK(tensors->at(0).dtype == dtype);
  }
}

TEST_CASE("of a safetensors file only the header is read, however long the file is") {
  const ScratchDirectory scratch;
  const std::string path =
      scratch.write("model.safetensors",
                    safetensors_file(R"({"__metadata__":{"format":"pt"},)"
                                     R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                     R"("a":{"dtype":"U8","shape":[1099511627776],)"
                                     R"("data_offsets":[8,1099511627784]}})",
                                     ""));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + 1099511627784u);
  const auto tensors = read_expected_tensors(path);
  REQUIRE(tensors);
  CHECK(*tensors ==
        std::vector<ExpectedTensor>{{"b", Dtype::f32, {2}}, {"a", Dtype::u8, {1099511627776u}}});
}

TEST_CASE("a header whose length looks like a bracket is still a header") {
  const ScratchDirectory scratch;
  std::string json = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  json.append('[' - json.size(), ' ');
  const auto tensors =
      read_expected_tensors(scratch.write("model.safetensors", safetensors_file(json, "x")));
  REQUIRE(tensors);
  CHECK(tensors->size() == 1);
}

TEST_CASE("an empty list expects nothing") {
  const ScratchDirectory scratch;
  CHECK(read_expected_tensors(scratch.write("want.json", "[]"))->empty());
}

TEST_CASE("what is no list of tensors is refused with file, tensor and reason") {
  struct Case {
    std::string text;
    std::string reason;
    std::string tensor;
  };
  const std::vector<Case> table = {
      {"", "neither a safetensors file nor valid JSON", ""},
      {"this is no list", "neither a safetensors file nor valid JSON", ""},
      {list({entry("w", "BF16")}).substr(0, 40), "neither a safetensors file nor valid JSON", ""},
      {"[\"\xff\"]", "neither a safetensors file nor valid JSON", ""},
      {std::string(100'000, '['), "neither a safetensors file nor valid JSON", ""},
      {"{\"name\": 1}", "the JSON is not a list", ""},
      {list({entry("w", "BF16"), "3"}), "entry 1 is not an object", ""},
      {R"([{"shape":[1],"dtype":"BF16"}])", "entry 0 has no \"name\"", ""},
      {R"([{"name":"w","dtype":"BF16"}])", "entry 0 has no \"shape\"", ""},
      {R"([{"name":"w","shape":[1]}])", "entry 0 has no \"dtype\"", ""},
      {R"([{"name":"w","name":"v","shape":[1],"dtype":"BF16"}])", "entry 0 has \"name\" twice", ""},
      {R"([{"name":7,"shape":[1],"dtype":"BF16"}])", "the name of entry 0 is not a string", ""},
      {list({entry("w", "bf16")}), "unknown dtype 'bf16'", "w"},
      {list({entry("w", "Torch.bfloat16")}), "unknown dtype 'Torch.bfloat16'", "w"},
      {R"([{"name":"w","shape":[1],"dtype":4}])", "dtype is not a string", "w"},
      {R"([{"name":"w","shape":4,"dtype":"U8"}])", "shape is not a list", "w"},
      {R"([{"name":"w","shape":[-1],"dtype":"U8"}])", "no unsigned number", "w"},
      {R"([{"name":"w","shape":[1.5],"dtype":"U8"}])", "no unsigned number", "w"},
      {R"([{"name":"w","shape":["1"],"dtype":"U8"}])", "no unsigned number", "w"},
      {R"([{"name":"w","shape":[4294967296,536870912],"dtype":"F32"}])", "the shape overflows",
       "w"},
      {list({entry("w", "U8"), entry("v", "U8"), entry("w", "U8")}), "the name occurs twice", "w"},
      {std::string("\x09\0\0\0\0\0\0\0{}", 10), "reaches behind the file", ""},
      {std::string("\x02\0\0\0\0\0\0\0[]", 10), "does not begin with '{'", ""},
      {std::string("\xff\xff\xff\xff\0\0\0\0{}", 10), "above the limit", ""},
  };
  const ScratchDirectory scratch;
  for (const Case& each : table) {
    INFO(each.text.substr(0, 100));
    const std::string path = scratch.write("want.json", each.text);
    const auto tensors = read_expected_tensors(path);
    REQUIRE_FALSE(tensors);
    CHECK(tensors.error().code() == ErrorCode::malformed);
    CHECK(tensors.error().file() == path);
    CHECK(tensors.error().tensor() == each.tensor);
    CHECK_MENTIONS(tensors.error().reason(), each.reason);
  }
}

TEST_CASE("a list that is too long is refused before it is read") {
  const ScratchDirectory scratch;
  const std::string path = scratch.write("want.json", "[         ");
  std::filesystem::resize_file(path, 100'000'001);
  const auto tensors = read_expected_tensors(path);
  REQUIRE_FALSE(tensors);
  CHECK(tensors.error().code() == ErrorCode::malformed);
  CHECK_MENTIONS(tensors.error().reason(), "longer than 100000000 bytes");
}

TEST_CASE("a list that is not there, or no file, is told so") {
  const ScratchDirectory scratch;
  CHECK(read_expected_tensors(scratch.path("none.json")).error().code() == ErrorCode::not_found);
  CHECK(read_expected_tensors(scratch.path()).error().code() == ErrorCode::malformed);
}
