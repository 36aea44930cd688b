#include "config/hf_config.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "catch.hpp"

using plimsoll::Dtype;
using plimsoll::ErrorCode;
using namespace plimsoll::config;

TEST_CASE("the facts of a plain model are read") {
  const auto facts = parse_hf_config(R"({"architectures": ["LlamaForCausalLM", "Other"],
      "model_type": "llama", "tie_word_embeddings": false, "torch_dtype": "bfloat16",
      "hidden_size": 4096, "quantization_config": {"quant_method": "fp8"}})",
                                     "config.json");
  REQUIRE(facts.has_value());
  CHECK(facts->model_type == "llama");
  CHECK(facts->architecture == "LlamaForCausalLM");
  CHECK(facts->tie_word_embeddings == false);
  CHECK(facts->dtype == Dtype::bf16);
  CHECK(facts->quant_method == "fp8");
  CHECK(facts->text_model_type.empty());
}

TEST_CASE("what is absent or null stays open") {
  CHECK(*parse_hf_config("{}", "c") == HfConfig{});
  CHECK(*parse_hf_config(R"({"architectures": null, "model_type": null, "dtype": null,
      "tie_word_embeddings": null, "text_config": null, "quantization_config": null})",
                         "c") == HfConfig{});
  CHECK(parse_hf_config(R"({"architectures": []})", "c")->architecture.empty());
  CHECK_FALSE(parse_hf_config(R"({"torch_dtype": "auto"})", "c")->dtype.has_value());
  CHECK_FALSE(parse_hf_config(R"({"dtype": {"vision": "float32"}})", "c")->dtype.has_value());
}

TEST_CASE("a composite model's text config fills what the outer one leaves open") {
  const auto inner = parse_hf_config(R"({"model_type": "qwen2_5_vl", "text_config":
      {"model_type": "qwen2_5_vl_text", "tie_word_embeddings": true, "dtype": "float16"}})",
                                     "c");
  CHECK(inner->text_model_type == "qwen2_5_vl_text");
  CHECK(inner->tie_word_embeddings == true);
  CHECK(inner->dtype == Dtype::f16);
  const auto outer = parse_hf_config(R"({"tie_word_embeddings": false, "dtype": "float32",
      "llm_config": {"tie_word_embeddings": true, "torch_dtype": "float16"}})",
                                     "c");
  CHECK(outer->tie_word_embeddings == false);
  CHECK(outer->dtype == Dtype::f32);
  const auto thinker = parse_hf_config(
      R"({"thinker_config": {"text_config": {"model_type": "qwen3_omni_moe_text"}}})", "c");
  CHECK(thinker->text_model_type == "qwen3_omni_moe_text");
  CHECK(parse_hf_config(R"({"decoder": "a word"})", "c").has_value());
}

TEST_CASE("whole numbers are kept with the object they stand in") {
  const auto facts = parse_hf_config(R"({"num_experts": 128, "score": 1.5, "offset": -1, "on": true,
      "vision_config": {"num_attention_heads": 16, "deep": {"er": {"est": 1}, "size": 2}},
      "text_config": {"hidden_size": 40, "layer_types": [1, 2]}})",
                                     "c");
  REQUIRE(facts.has_value());
  CHECK(facts->number("", "num_experts") == 128u);
  CHECK(facts->number("vision_config", "num_attention_heads") == 16u);
  CHECK(facts->number("vision_config.deep", "size") == 2u);
  CHECK(facts->text_path == "text_config");
  CHECK(facts->number(facts->text_path, "hidden_size") == 40u);
  for (const char* none : {"score", "offset", "on", "num_attention_heads"}) {
    CHECK_FALSE(facts->number("", none).has_value());
  }
  CHECK_FALSE(facts->number("vision_config.deep.er", "est").has_value());
  CHECK_FALSE(facts->number("audio_config", "hidden_size").has_value());
  const auto thinker = parse_hf_config(R"({"thinker_config": {"text_config": {"x": 3}}})", "c");
  CHECK(thinker->number(thinker->text_path, "x") == 3u);
  const auto bare = parse_hf_config(R"({"hidden_size": 7})", "c");
  CHECK(bare->number(bare->text_path, "hidden_size") == 7u);
}

TEST_CASE("the tiles of block-wise scales are read") {
  const auto tiles = [](const std::string& value) {
    return parse_hf_config(R"({"quantization_config": {"weight_block_size": )" + value + "}}", "c")
        ->weight_block_size;
  };
  CHECK(tiles("[128, 64]") == std::array<std::uint64_t, 2>{128, 64});
  for (const char* none : {"null", "[]", "[128]", "[0, 128]", "[-1, 128]", "[1.5, 2]"}) {
    INFO(none);
    CHECK_FALSE(tiles(none).has_value());
  }
}

TEST_CASE("the newer dtype wins over torch_dtype") {
  CHECK(parse_hf_config(R"({"torch_dtype": "float16", "dtype": "torch.bfloat16"})", "c")->dtype ==
        Dtype::bf16);
}

TEST_CASE("a dtype of a config is a real floating-point one") {
  const auto dtype = [](const std::string& name) {
    return parse_hf_config(R"({"dtype": ")" + name + "\"}", "c")->dtype;
  };
  CHECK(dtype("float8_e4m3fn") == Dtype::f8_e4m3);
  CHECK(dtype("half") == Dtype::f16);
  CHECK_FALSE(dtype("int8").has_value());
  CHECK_FALSE(dtype("complex64").has_value());
  CHECK_FALSE(dtype("auto").has_value());
}

TEST_CASE("a config.json that breaks the rules is malformed, with file and rule") {
  const std::string tower =
      "{\"a\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  const std::pair<std::string, const char*> cases[] = {
      {"", "not valid JSON"},
      {"{", "not valid JSON"},
      {"{} {}", "not valid JSON"},
      {"[]", "not a JSON object"},
      {"3", "not a JSON object"},
      {"{\"a\": \"\xff\"}", "not valid JSON"},
      {tower, "nested too deeply"},
      {R"({"model_type": "a", "model_type": "b"})", "\"model_type\" is there twice"},
      {R"({"text_config": {"x": 1, "x": 1}})", "\"x\" is there twice"},
      {R"({"model_type": 3})", "\"model_type\" is not a string"},
      {R"({"architectures": "A"})", "\"architectures\" is not an array"},
      {R"({"architectures": [3]})", "\"architectures\" is not an array of strings"},
      {R"({"tie_word_embeddings": 1})", "is not true or false"},
      {R"({"dtype": 16})", "\"dtype\" is not a string"},
      {R"({"quantization_config": "fp8"})", "is not an object"},
      {R"({"quantization_config": {"weight_block_size": 128}})", "is not an array"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text.substr(0, 60));
    const auto facts = parse_hf_config(text, "m/config.json");
    REQUIRE_FALSE(facts.has_value());
    CHECK(facts.error().code() == ErrorCode::malformed);
    CHECK(facts.error().file() == "m/config.json");
    CHECK(facts.error().reason().find(reason) != std::string::npos);
  }
}

TEST_CASE("a directory without a config.json has no facts, which is no error") {
  const auto facts = read_hf_config(PLIMSOLL_GOLDEN_DIR);
  REQUIRE(facts.has_value());
  CHECK_FALSE(facts->has_value());
}
