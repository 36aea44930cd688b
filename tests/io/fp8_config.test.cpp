#include "io/fp8_config.hpp"

#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace plimsoll::io;
using plimsoll::ErrorCode;

namespace {

const std::string source = "{\n  \"architectures\": [\n    \"A\"\n  ],\n  \"vocab_size\": 7\n}\n";

Fp8Config block_config() {
  Fp8Config config;
  config.weight_block_size = {128, 128};
  return config;
}

}  // namespace

TEST_CASE("a config for block-wise FP8 has its keys sorted and the object's indentation") {
  Fp8Config config = block_config();
  config.modules_to_not_convert = {"model.layers.0.mlp.gate", "lm_head"};
  CHECK(with_fp8_config(source, config, "config.json").value() ==
        "{\n  \"architectures\": [\n    \"A\"\n  ],\n"
        "  \"quantization_config\": {\n"
        "    \"activation_scheme\": \"dynamic\",\n"
        "    \"fmt\": \"e4m3\",\n"
        "    \"modules_to_not_convert\": [\n"
        "      \"lm_head\",\n"
        "      \"model.layers.0.mlp.gate\"\n"
        "    ],\n"
        "    \"quant_method\": \"fp8\",\n"
        "    \"weight_block_size\": [\n"
        "      128,\n"
        "      128\n"
        "    ]\n"
        "  },\n"
        "  \"vocab_size\": 7\n}\n");
}

TEST_CASE("scales in powers of two are named, and one scale a tensor has no block size") {
  Fp8Config powers = block_config();
  powers.scale_fmt = "ue8m0";
  const auto block = nlohmann::json::parse(
      with_fp8_config(source, powers, "config.json").value())["quantization_config"];
  CHECK(block["scale_fmt"] == "ue8m0");
  CHECK(block["modules_to_not_convert"].is_null());

  const auto whole = nlohmann::json::parse(
      with_fp8_config(source, {}, "config.json").value())["quantization_config"];
  CHECK(whole.contains("weight_block_size"));
  CHECK(whole["weight_block_size"].is_null());
  CHECK_FALSE(whole.contains("scale_fmt"));
}

TEST_CASE("a null quantization_config is replaced, any other refuses FP8") {
  CHECK(with_fp8_config(R"({"quantization_config": null})", {}, "").has_value());
  const auto refused = with_fp8_config(R"({"quantization_config": {}})", {}, "in/config.json");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::unsupported);
  CHECK(refused.error().file() == "in/config.json");
}

TEST_CASE("a decoded checkpoint's config is what it was before it was quantized") {
  for (const std::string& text : {source, std::string("{}"), std::string(R"({"a": 1, "z": 2})"),
                                  std::string("{\r\n\t\"z\": 1,\r\n\t\"b\": [2]\r\n}\r\n")}) {
    INFO(text);
    const auto quantized = with_fp8_config(text, block_config(), "").value();
    const auto decoded = without_quantization(quantized, "").value();
    CHECK(decoded == text);
    CHECK(without_quantization(text, "").value() == text);
  }
}

TEST_CASE("the quantization_config leaves with its comma wherever it stands") {
  const auto left = [](const char* text) { return without_quantization(text, "").value(); };
  CHECK(left(R"({"quantization_config": {"a": [1, {}]}, "b": 1})") == R"({"b": 1})");
  CHECK(left(R"({"a": 0, "quantization_config" :null , "b": 1})") == R"({"a": 0, "b": 1})");
  CHECK(left(R"({"a": 0, "quantization_config": {} })") == R"({"a": 0 })");
  CHECK(left("{\n  \"quantization_config\": 1\n}\n") == "{}\n");
  CHECK(left(R"({"x": {"quantization_config": 1}})") == R"({"x": {"quantization_config": 1}})");
}

TEST_CASE("an FP8 config that is not one JSON object is malformed") {
  for (const char* text : {"", "[]", "{", R"({"a":1,})", R"({"a":1,"a":2})"}) {
    INFO(text);
    const auto with = with_fp8_config(text, {}, "config.json");
    REQUIRE_FALSE(with);
    CHECK(with.error().code() == ErrorCode::malformed);
    const auto without = without_quantization(text, "config.json");
    REQUIRE_FALSE(without);
    CHECK(without.error().code() == ErrorCode::malformed);
    CHECK(without.error().file() == "config.json");
  }
}
