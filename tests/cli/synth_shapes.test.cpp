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
  CHECK(cli::synth_shape_names().size() == published.size() + 1);
  CHECK(parameters_of(shape_of("tiny")) < 4'000'000);
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
