#include "cli/synth_shapes.hpp"

#include <map>
#include <set>

#include "catch.hpp"

using namespace plimsoll;
using cli::synth_shape;
using cli::SynthShape;
using cli::SynthTensor;

namespace {

SynthShape shape_of(std::string_view name) {
  auto shape = synth_shape(name);
  REQUIRE(shape);
  return *shape;
}

std::uint64_t parameters_of(const SynthShape& shape) {
  std::uint64_t sum = 0;
  for (const SynthTensor& tensor : shape.tensors) sum += io::element_count(tensor.shape);
  return sum;
}

io::Shape tensor_shape(const SynthShape& shape, std::string_view name) {
  for (const SynthTensor& tensor : shape.tensors) {
    if (tensor.name == name) return tensor.shape;
  }
  FAIL("no tensor " << name);
  return {};
}

}  // namespace

TEST_CASE("every shape has as many parameters as the published model") {
  const std::map<std::string_view, std::uint64_t> published = {
      {"qwen2.5-0.5b", 494'032'768},     {"qwen2.5-1.5b", 1'543'714'304},
      {"qwen2.5-7b", 7'615'616'512},     {"llama3-8b", 8'030'261'248},
      {"qwen3-30b-a3b", 30'532'122'624}, {"mixtral-8x7b", 46'702'792'704},
  };
  for (const auto& [name, parameters] : published) {
    INFO(name);
    CHECK(parameters_of(shape_of(name)) == parameters);
  }
  CHECK(parameters_of(shape_of("tiny")) < 4'000'000);
  CHECK(parameters_of(shape_of("tiny-moe")) < 5'000'000);
  CHECK(cli::synth_shape_names().size() == published.size() + 4);
}

TEST_CASE("deepseek-v3 has the published tensors in FP8, with a scale a tile") {
  const SynthShape shape = shape_of("deepseek-v3");
  CHECK(shape.tensors.size() == 91'991);
  std::map<Dtype, std::uint64_t> numbers;
  std::uint64_t of_main_model = 0;
  for (const SynthTensor& tensor : shape.tensors) {
    const std::uint64_t count = io::element_count(tensor.shape);
    numbers[tensor.dtype] += count;
    const bool is_scale = tensor.name.ends_with("_scale_inv");
    CHECK((tensor.dtype == Dtype::f32) ==
          (is_scale || tensor.name.ends_with("e_score_correction_bias")));
    CHECK((tensor.values == cli::SynthValues::code) == (tensor.dtype == Dtype::f8_e4m3));
    if (!is_scale && !tensor.name.starts_with("model.layers.61.")) of_main_model += count;
  }
  CHECK(of_main_model == 671'026'419'200);
  CHECK(numbers.size() == 3);
  CHECK(tensor_shape(shape, "model.layers.60.mlp.experts.255.down_proj.weight") ==
        io::Shape{7168, 2048});
  CHECK(tensor_shape(shape, "model.layers.60.mlp.experts.255.down_proj.weight_scale_inv") ==
        io::Shape{56, 16});
  CHECK(tensor_shape(shape, "model.layers.0.self_attn.kv_a_proj_with_mqa.weight") ==
        io::Shape{576, 7168});
  CHECK(tensor_shape(shape, "model.layers.0.self_attn.kv_a_proj_with_mqa.weight_scale_inv") ==
        io::Shape{5, 56});
  CHECK(tensor_shape(shape, "model.layers.2.mlp.up_proj.weight") == io::Shape{18432, 7168});
  CHECK(tensor_shape(shape, "model.layers.3.mlp.gate.e_score_correction_bias") == io::Shape{256});
  CHECK(tensor_shape(shape, "model.layers.61.eh_proj.weight") == io::Shape{7168, 14336});
  CHECK(shape.config_json.find("\"quant_method\": \"fp8\"") != std::string::npos);
  CHECK(shape.config_json.find("\"num_nextn_predict_layers\": 1,") != std::string::npos);
}

TEST_CASE("fewer layers of deepseek-v3 come without the one that predicts one token more") {
  const auto shape = synth_shape("deepseek-v3", 4);
  REQUIRE(shape);
  CHECK(shape->tensors.size() == 3 + 3 * 20 + 1558);
  CHECK(shape->config_json.find("\"num_nextn_predict_layers\": 0,") != std::string::npos);
}

TEST_CASE(
    "the small FP8 model has every part of the large one, and tiles that stand over the edge") {
  const SynthShape shape = shape_of("tiny-fp8");
  CHECK(parameters_of(shape) < 7'000'000);
  CHECK(shape.tensors.size() == 3 + 20 + 3 * (14 + 2 + 8 * 6 + 6) + 6);
  CHECK(tensor_shape(shape, "model.layers.3.self_attn.kv_a_proj_with_mqa.weight_scale_inv") ==
        io::Shape{1, 2});
  CHECK(tensor_shape(shape, "model.layers.3.self_attn.q_b_proj.weight") == io::Shape{384, 128});
  CHECK(tensor_shape(shape, "model.layers.2.mlp.experts.7.up_proj.weight_scale_inv") ==
        io::Shape{1, 2});
}

TEST_CASE("the small mixture of experts has every part of a large one") {
  const SynthShape shape = shape_of("tiny-moe");
  CHECK(shape.tensors.size() == 3 + 3 * (4 + 2 + 1 + 8 * 3 + 2));
  CHECK(tensor_shape(shape, "model.layers.2.mlp.experts.7.gate_proj.weight") ==
        io::Shape{128, 256});
  CHECK(shape.config_json.find("\"model_type\": \"qwen3_moe\"") != std::string::npos);
  CHECK(shape.config_json.find("\"num_experts_per_tok\": 2,") != std::string::npos);
}

TEST_CASE("tensors have the published names and shapes") {
  const SynthShape qwen = shape_of("qwen2.5-1.5b");
  CHECK(tensor_shape(qwen, "model.embed_tokens.weight") == io::Shape{151936, 1536});
  CHECK(tensor_shape(qwen, "model.layers.27.self_attn.k_proj.weight") == io::Shape{256, 1536});
  CHECK(tensor_shape(qwen, "model.layers.0.self_attn.q_proj.bias") == io::Shape{1536});
  CHECK(tensor_shape(qwen, "model.layers.0.mlp.down_proj.weight") == io::Shape{1536, 8960});
  const SynthShape qwen3 = shape_of("qwen3-30b-a3b");
  CHECK(tensor_shape(qwen3, "model.layers.47.mlp.experts.127.gate_proj.weight") ==
        io::Shape{768, 2048});
  CHECK(tensor_shape(qwen3, "model.layers.0.self_attn.o_proj.weight") == io::Shape{2048, 4096});
  CHECK(tensor_shape(qwen3, "model.layers.0.self_attn.q_norm.weight") == io::Shape{128});
  CHECK(tensor_shape(qwen3, "model.layers.0.mlp.gate.weight") == io::Shape{128, 2048});
  const SynthShape mixtral = shape_of("mixtral-8x7b");
  CHECK(tensor_shape(mixtral, "model.layers.31.block_sparse_moe.experts.7.w2.weight") ==
        io::Shape{4096, 14336});
  CHECK(tensor_shape(mixtral, "lm_head.weight") == io::Shape{32000, 4096});
}

TEST_CASE("names are unique, and a tied head is not stored") {
  for (const std::string_view name : cli::synth_shape_names()) {
    INFO(name);
    const SynthShape shape = shape_of(name);
    std::set<std::string> names;
    for (const SynthTensor& tensor : shape.tensors) names.insert(tensor.name);
    CHECK(names.size() == shape.tensors.size());
    const bool tied = shape.config_json.find("\"tie_word_embeddings\": true") != std::string::npos;
    CHECK(names.contains("lm_head.weight") == !tied);
  }
}

TEST_CASE("fewer layers keep everything else and show in the config") {
  const auto shape = synth_shape("mixtral-8x7b", 2);
  REQUIRE(shape);
  CHECK(shape->config_json.find("\"num_hidden_layers\": 2,") != std::string::npos);
  CHECK(shape->tensors.size() == 3 + 2 * (4 + 1 + 8 * 3 + 2));
  CHECK(tensor_shape(*shape, "model.layers.1.block_sparse_moe.gate.weight") == io::Shape{8, 4096});
}

TEST_CASE("what is no shape or no number of layers is refused") {
  const auto unknown = synth_shape("gpt-5");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == ErrorCode::invalid_argument);
  CHECK(unknown.error().reason().find("qwen2.5-1.5b") != std::string::npos);
  for (const std::uint32_t layers : {0u, 33u}) {
    const auto shape = synth_shape("llama3-8b", layers);
    REQUIRE_FALSE(shape);
    CHECK(shape.error().code() == ErrorCode::invalid_argument);
  }
}
