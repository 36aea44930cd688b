#include "plan/assemble.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assembled.hpp"
#include "catch.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using namespace plimsoll::plan::test;

namespace {

using Strings = std::vector<std::string>;

Dense zeros(Dtype dtype, io::Shape shape) {
  Dense out{dtype, std::move(shape), {}};
  out.bytes.resize(io::element_count(out.shape) * bits_of(dtype) / 8);
  return out;
}

Checkpoint checkpoint(const std::map<std::string, Dense>& tensors, const std::string& dtype) {
  const std::string text =
      R"({"architectures": ["Ernie4_5_MoeForCausalLM"], "tie_word_embeddings": true)" +
      (dtype.empty() ? "" : ", \"dtype\": \"" + dtype + "\"") + "}";
  return checkpoint_of(tensors, config::parse_hf_config(text, "config.json").value());
}

Assembly assembled(const Checkpoint& source, TargetLayout layout,
                   const std::vector<ExpectedTensor>* expected = nullptr) {
  auto out =
      assemble(source.catalogue, shipped_rules(), source.config, layout,
               expected ? std::optional(std::span<const ExpectedTensor>(*expected)) : std::nullopt);
  INFO((out ? "" : out.error().what()));
  REQUIRE(out.has_value());
  return std::move(*out);
}

std::optional<Dtype> model_dtype(const Assembly& assembly, const std::string& name) {
  for (const Blueprint& tensor : assembly.blueprints.tensors) {
    if (tensor.name == name) return tensor.model_dtype;
  }
  FAIL("no tensor " << name);
  return {};
}

Strings names_of(const Assembly& assembly) {
  Strings out;
  for (const Blueprint& tensor : assembly.blueprints.tensors) out.push_back(tensor.name);
  std::sort(out.begin(), out.end());
  return out;
}

const std::string gate = "model.layers.0.mlp.gate.weight";

}  // namespace

TEST_CASE("the model's dtype is config.json's, but for tensors of full precision and integers") {
  const std::map<std::string, Dense> tensors = {{gate, zeros(Dtype::bf16, {2, 2})},
                                                {"model.norm.weight", zeros(Dtype::f32, {2})},
                                                {"model.count", zeros(Dtype::i64, {1})},
                                                {"model.eight", zeros(Dtype::f8_e5m2, {2})}};
  const Assembly assembly = assembled(checkpoint(tensors, "bfloat16"), TargetLayout::transformers);
  CHECK(model_dtype(assembly, gate) == Dtype::f32);
  CHECK(model_dtype(assembly, "model.norm.weight") == Dtype::bf16);
  CHECK_FALSE(model_dtype(assembly, "model.count").has_value());
  CHECK_FALSE(model_dtype(assembly, "model.eight").has_value());
  const Assembly open = assembled(checkpoint(tensors, ""), TargetLayout::transformers);
  CHECK_FALSE(model_dtype(open, gate).has_value());
}

TEST_CASE("some tensors are of full precision in a model of fp16 only") {
  for (const char* dtype : {"float16", "bfloat16"}) {
    const std::string text =
        std::string(R"({"architectures": ["MistralLarge4TextModel"], "dtype": ")") + dtype + "\"}";
    const Checkpoint source = checkpoint_of(
        {{"layers.0.self_attn.indexer.weights_proj.weight", zeros(Dtype::bf16, {2, 2})}},
        config::parse_hf_config(text, "config.json").value());
    const Assembly assembly = assembled(source, TargetLayout::transformers);
    CHECK(assembly.blueprints.tensors.front().model_dtype ==
          (std::string(dtype) == "float16" ? Dtype::f32 : Dtype::bf16));
  }
}

TEST_CASE("the model's tensors decide what is missing, unexpected, mismatched and of which dtype") {
  const std::map<std::string, Dense> tensors = {
      {"model.embed_tokens.weight", zeros(Dtype::bf16, {2, 2})},
      {"model.norm.weight", zeros(Dtype::bf16, {3})},
      {"model.extra.weight", zeros(Dtype::bf16, {1})},
      {"model.mtp_block.weight", zeros(Dtype::bf16, {1})},
      {gate, zeros(Dtype::bf16, {2, 2})}};
  const std::vector<ExpectedTensor> expected = {{"model.embed_tokens.weight", Dtype::f32, {2, 2}},
                                                {"lm_head.weight", Dtype::f32, {2, 2}},
                                                {"model.norm.weight", Dtype::f32, {2}},
                                                {gate, Dtype::f16, {2, 2}},
                                                {"model.lacking.weight", Dtype::f32, {1}}};
  const Checkpoint source = checkpoint(tensors, "bfloat16");
  const Assembly assembly = assembled(source, TargetLayout::transformers, &expected);
  CHECK(names_of(assembly) == Strings{"model.embed_tokens.weight", gate});
  CHECK(model_dtype(assembly, "model.embed_tokens.weight") == Dtype::f32);
  CHECK(model_dtype(assembly, gate) == Dtype::f16);
  CHECK(assembly.missing == Strings{"model.lacking.weight"});
  CHECK(assembly.unexpected == Strings{"model.extra.weight"});
  CHECK(assembly.mismatched == std::vector<Mismatch>{{"model.norm.weight", {3}, {2}}});
  CHECK(assembly.tied == std::vector<std::pair<std::string, std::string>>{
                             {"lm_head.weight", "model.embed_tokens.weight"}});
  CHECK(assembly.open_checks.empty());

  const Assembly hub = assembled(source, TargetLayout::hub, &expected);
  CHECK(names_of(hub).size() == tensors.size());
  CHECK(hub.missing == assembly.missing);
  CHECK(hub.unexpected == assembly.unexpected);
  CHECK(hub.mismatched == assembly.mismatched);
  CHECK(hub.tied == assembly.tied);
}

TEST_CASE("without the model's tensors the checks that cannot be made are told") {
  const Checkpoint source = checkpoint({{gate, zeros(Dtype::bf16, {2, 2})}}, "bfloat16");
  const Assembly model = assembled(source, TargetLayout::transformers);
  CHECK(model.open_checks.size() == 5);
  CHECK(std::count(model.open_checks.begin(), model.open_checks.end(),
                   "whether tensors of the model are missing") == 1);
  CHECK(model.missing.empty());
  CHECK(model.unexpected.empty());
  CHECK(assembled(source, TargetLayout::hub).open_checks.size() == 2);
}

TEST_CASE("experts that lack the last ones are fewer than config.json tells") {
  const auto assemble_experts = [](unsigned experts, const std::string& fields,
                                   const std::vector<ExpectedTensor>* expected = nullptr) {
    std::map<std::string, Dense> tensors;
    for (unsigned i = 0; i < experts; ++i) {
      for (const char* part : {"gate_proj", "up_proj", "down_proj"}) {
        tensors["model.layers.0.mlp.experts." + std::to_string(i) + "." + part + ".weight"] =
            zeros(Dtype::bf16, {2, 2});
      }
    }
    const std::string text = R"({"architectures": ["Qwen3MoeForCausalLM"])" + fields + "}";
    const Checkpoint source =
        checkpoint_of(tensors, config::parse_hf_config(text, "config.json").value());
    return assemble(
        source.catalogue, shipped_rules(), source.config, TargetLayout::transformers,
        expected ? std::optional(std::span<const ExpectedTensor>(*expected)) : std::nullopt);
  };
  const auto refused = assemble_experts(3, R"(, "num_experts": 4)");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::malformed);
  CHECK(refused.error().reason() ==
        "there are 3 of the 4 experts that config.json tells with num_experts");
  CHECK(refused.error().tensor() == "model.layers.0.mlp.experts.down_proj");
  CHECK_FALSE(refused.error().file().empty());
  CHECK(assemble_experts(4, R"(, "num_experts": 4)").has_value());
  CHECK(assemble_experts(3, "").has_value());
  CHECK(assemble_experts(3, R"(, "num_experts": 4, "num_local_experts": 2)").has_value());
  // The list of the model's tensors knows better.
  const std::vector<ExpectedTensor> expected = {
      {"model.layers.0.mlp.experts.gate_up_proj", Dtype::bf16, {3, 4, 2}},
      {"model.layers.0.mlp.experts.down_proj", Dtype::bf16, {3, 2, 2}}};
  CHECK(assemble_experts(3, R"(, "num_experts": 4)", &expected).has_value());
}

TEST_CASE("a class that no rules are known for is told where its names would be converted") {
  const auto told = [](const std::string& name, TargetLayout layout) {
    const Checkpoint source = checkpoint_of(
        {{gate, zeros(Dtype::bf16, {2, 2})}},
        config::parse_hf_config("{\"architectures\": [\"" + name + "\"]}", "c").value());
    const Strings checks = assembled(source, layout).open_checks;
    return std::any_of(checks.begin(), checks.end(), [&](const std::string& check) {
      return check.ends_with("no rules are known for " + name);
    });
  };
  CHECK(told("MyMoeForCausalLM", TargetLayout::transformers));
  CHECK_FALSE(told("MyMoeForCausalLM", TargetLayout::hub));
  CHECK_FALSE(told("LlamaForCausalLM", TargetLayout::transformers));
  CHECK_FALSE(told("MixtralForCausalLM", TargetLayout::transformers));
}

TEST_CASE("scales that come with a weight are not missing, and go with one that is unexpected") {
  const std::map<std::string, Dense> tensors = {
      {"model.a.weight", zeros(Dtype::f8_e4m3, {2, 2})},
      {"model.a.weight_scale_inv", zeros(Dtype::f32, {1, 1})},
      {"model.b.weight", zeros(Dtype::f8_e4m3, {2, 2})},
      {"model.b.scale", zeros(Dtype::f32, {1, 1})}};
  const std::vector<ExpectedTensor> expected = {{"model.a.weight", Dtype::f8_e4m3, {2, 2}},
                                                {"model.a.weight_scale_inv", Dtype::f32, {1, 1}}};
  const Assembly assembly =
      assembled(checkpoint(tensors, "bfloat16"), TargetLayout::transformers, &expected);
  CHECK(names_of(assembly) == Strings{"model.a.weight", "model.a.weight_scale_inv"});
  CHECK(assembly.missing.empty());
  CHECK(assembly.unexpected == Strings{"model.b.weight", "model.b.weight_scale_inv"});
}

TEST_CASE("a checkpoint without config.json keeps its names in either layout") {
  const Checkpoint source = checkpoint_of({{"a.weight", zeros(Dtype::bf16, {2})}}, std::nullopt);
  for (TargetLayout layout : {TargetLayout::hub, TargetLayout::transformers}) {
    const Assembly assembly = assembled(source, layout);
    CHECK(names_of(assembly) == Strings{"a.weight"});
    CHECK_FALSE(model_dtype(assembly, "a.weight").has_value());
  }
}
