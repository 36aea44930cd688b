#include "io/bnb_config.hpp"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "io/quant_state.hpp"

using namespace plimsoll::io;
using plimsoll::ErrorCode;

namespace {

std::string golden(const std::string& name) {
  std::ifstream in(std::string(PLIMSOLL_GOLDEN_DIR) + "/io/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a config for NF4 is byte for byte what transformers writes") {
  const auto text = with_bnb_config(golden("source_bf16.config.json"), {}, "config.json");
  REQUIRE(text);
  CHECK(*text == golden("bnb_nf4.config.json"));
}

TEST_CASE("the modules left out are listed by name") {
  BnbConfig config;
  config.compute_dtype = "float16";
  config.skipped_modules = {"model.layers.1.mlp.router", "lm_head"};
  const auto text = with_bnb_config(golden("source_bf16.config.json"), config, "config.json");
  REQUIRE(text);
  const auto block = nlohmann::json::parse(*text)["quantization_config"];
  CHECK(block["llm_int8_skip_modules"] == nlohmann::json{"lm_head", "model.layers.1.mlp.router"});
  CHECK(block["bnb_4bit_compute_dtype"] == "float16");
}

TEST_CASE("what the source's config says keeps its spelling") {
  const std::string source =
      "\xef\xbb\xbf{\r\n\t\"z\": [1e-06, 10000.0, -Infinity, NaN, 12345678901234567890123],\r\n"
      "\t\"k\": {\"na\xc3\xafve\": \"\\u00e9 } ] \\\" \"}\r\n}\r\n\r\n";
  const auto text = with_bnb_config(source, {}, "config.json");
  REQUIRE(text);
  const std::size_t at = text->find(",\r\n\t\"quantization_config\": {\r\n\t\t\"_load_in_4bit\"");
  REQUIRE(at == source.rfind("\r\n}"));
  CHECK(text->substr(0, at) == source.substr(0, at));
  CHECK(text->ends_with("\r\n\t\t\"quant_method\": \"bitsandbytes\"\r\n\t}\r\n}\r\n\r\n"));
}

TEST_CASE("configs of every shape take the block and stay JSON") {
  for (const char* source : {"{}", "{ }", "{\n}", R"({"a":1})", R"({"z":1,"a":2})", R"({"r":"x"})",
                             "{\n\"a\": 1\n}", "{\n    \"a\": {\n        \"b\": []\n    }\n}",
                             R"({"quantization_config": null, "r": 2})"}) {
    INFO(source);
    const auto text = with_bnb_config(source, {}, "config.json");
    REQUIRE(text);
    auto json = nlohmann::json::parse(*text, nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json["quantization_config"]["quant_method"] == "bitsandbytes");
    auto original = nlohmann::json::parse(source);
    json.erase("quantization_config");
    original.erase("quantization_config");
    CHECK(json == original);
  }
}

TEST_CASE("a checkpoint that is quantized already is refused") {
  const auto again = with_bnb_config(golden("bnb_nf4.config.json"), {}, "in/config.json");
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == ErrorCode::unsupported);
  CHECK(again.error().file() == "in/config.json");
  const auto escaped = with_bnb_config(R"({"quantizatio\u006e_config": {}})", {}, "");
  REQUIRE_FALSE(escaped);
  CHECK(escaped.error().code() == ErrorCode::unsupported);
}

TEST_CASE("a config that is not one JSON object is malformed") {
  for (const char* text : {"",
                           "[]",
                           "null",
                           "{",
                           R"({"a")",
                           R"({"a":)",
                           R"({"a":})",
                           R"({"a":1,})",
                           R"({"a":1 "b":2})",
                           R"({"a":[})",
                           R"({"a":[1}})",
                           R"({"a":"x)",
                           R"({"a":1}})",
                           R"({"a":1} x)",
                           R"({a:1})",
                           R"({"a":1,"a":2})",
                           R"({"a":1,"\u0061":2})",
                           R"({"\x":1})",
                           R"({"a":,"b":1})",
                           R"({"a":tru"e"})",
                           "{\"a\": \"\\"}) {
    INFO(text);
    const auto result = with_dtype(text, "float32", "config.json");
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == ErrorCode::malformed);
    CHECK(result.error().file() == "config.json");
  }
  CHECK_FALSE(with_bnb_config(std::string(100'000, '{'), {}, ""));
}

TEST_CASE("a cast changes the dtype under either of its names, or adds it") {
  CHECK(with_dtype(R"({"torch_dtype": "bfloat16", "x": {"dtype": "y"}})", "float32", "").value() ==
        R"({"torch_dtype": "float32", "x": {"dtype": "y"}})");
  CHECK(with_dtype(R"({"dtype": null, "torch_dtype" :"a"})", "float16", "").value() ==
        R"({"dtype": "float16", "torch_dtype" :"float16"})");
  CHECK(with_dtype("{\n  \"a\": 1,\n  \"e\": 2\n}\n", "float16", "").value() ==
        "{\n  \"a\": 1,\n  \"dtype\": \"float16\",\n  \"e\": 2\n}\n");
  CHECK(with_dtype("{}", "float16", "").value() == "{\n  \"dtype\": \"float16\"\n}");
}

TEST_CASE("a tensor's quant state is byte for byte what bitsandbytes writes") {
  std::string lines;
  for (const Shape& shape : {Shape{128, 128}, Shape{128, 256}, Shape{256, 128}, Shape{64, 128}}) {
    lines += quant_state_json({"nf4", 64, "bfloat16", shape}) + "\n";
  }
  CHECK(lines == golden("bnb_nf4.quant_states"));
}
