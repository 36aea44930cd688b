#include "config/skip_defaults.hpp"

#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace plimsoll::config;
using Names = std::vector<std::string>;

namespace {

HfConfig facts(std::string architecture, std::string type, std::optional<bool> tied = {}) {
  HfConfig config;
  config.architecture = std::move(architecture);
  config.model_type = std::move(type);
  config.tie_word_embeddings = tied;
  return config;
}

std::vector<SkippedModule> skipped(const std::optional<HfConfig>& config, const Names& names) {
  static const SkipDefaults defaults;
  return defaults.modules(config, names);
}

const Names llama = {"lm_head.weight", "model.embed_tokens.weight",
                     "model.layers.0.mlp.up_proj.weight", "model.norm.weight"};
const Names headless = {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight",
                        "model.norm.weight"};
const Names bert = {"embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight",
                    "pooler.dense.bias", "pooler.dense.weight"};

}  // namespace

TEST_CASE("an output head is left out, and nothing else of an untied model") {
  const std::vector<SkippedModule> head = {{"lm_head", SkipReason::output_head}};
  CHECK(skipped(facts("LlamaForCausalLM", "llama", false), llama) == head);
  CHECK(skipped(std::nullopt, llama) == head);
  CHECK(skipped(facts("", "llama"), llama) == head);
}

TEST_CASE("tied embeddings are listed as tied, and the last module is not looked for") {
  CHECK(skipped(facts("Qwen2ForCausalLM", "qwen2", true), headless) ==
        std::vector<SkippedModule>{{"model.embed_tokens", SkipReason::tied}});
  CHECK(skipped(facts("Qwen2ForCausalLM", "qwen2", true), llama) ==
        std::vector<SkippedModule>{{"lm_head", SkipReason::output_head},
                                   {"model.embed_tokens", SkipReason::tied}});
}

TEST_CASE("some types tie their embeddings unless they say otherwise") {
  const SkipDefaults defaults;
  CHECK(defaults.ties_embeddings(facts("Gemma2ForCausalLM", "gemma2")));
  CHECK_FALSE(defaults.ties_embeddings(facts("Gemma2ForCausalLM", "gemma2", false)));
  CHECK_FALSE(defaults.ties_embeddings(facts("LlamaForCausalLM", "llama")));
  CHECK(defaults.ties_embeddings(facts("LlamaForCausalLM", "llama", true)));
}

TEST_CASE("a class with an output head that the checkpoint lacks has no last module") {
  CHECK(skipped(facts("LlamaForCausalLM", "llama", false), headless).empty());
  const Names shard = {"model.layers.0.mlp.up_proj.weight", "model.visual.merger.mlp.weight"};
  CHECK(skipped(facts("Qwen2VLForConditionalGeneration", "qwen2_vl", false), shard).empty());
}

TEST_CASE("without an output head the module of the last parameter is left out") {
  CHECK(skipped(facts("BertModel", "bert", true), bert) ==
        std::vector<SkippedModule>{{"pooler.dense", SkipReason::last_module}});
  CHECK(skipped(facts("", "bert"), bert) ==
        std::vector<SkippedModule>{{"pooler.dense", SkipReason::last_module}});
}

TEST_CASE("a head for a task is the last module wherever its name sorts") {
  const Names gpt2 = {"score.weight", "transformer.h.0.mlp.c_fc.weight", "transformer.ln_f.weight",
                      "transformer.wte.weight"};
  CHECK(skipped(facts("GPT2ForSequenceClassification", "gpt2"), gpt2) ==
        std::vector<SkippedModule>{{"score", SkipReason::last_module}});
  const Names roberta = {"classifier.dense.weight", "classifier.out_proj.bias",
                         "classifier.out_proj.weight",
                         "roberta.encoder.layer.0.output.dense.weight"};
  CHECK(skipped(facts("RobertaForSequenceClassification", "roberta"), roberta) ==
        std::vector<SkippedModule>{{"classifier.out_proj", SkipReason::last_module}});
}

TEST_CASE("a final norm after the layers is the last module even if layers sort behind it") {
  const Names phi = {"embed_tokens.weight", "final_layernorm.weight",
                     "layers.1.self_attn.v_proj.weight"};
  CHECK(skipped(facts("PhiModel", "phi", false), phi) ==
        std::vector<SkippedModule>{{"final_layernorm", SkipReason::last_module}});
  const Names layers_only = {"embed_tokens.weight", "layers.1.self_attn.v_proj.weight"};
  CHECK(skipped(facts("PhiModel", "phi", false), layers_only).empty());
}

TEST_CASE("tensors of an unknown model lose nothing but an output head") {
  CHECK(skipped(std::nullopt, headless).empty());
  CHECK(skipped(std::nullopt, {"a.weight", "b.weight"}).empty());
  CHECK(skipped(HfConfig{}, {"a.weight", "b.weight"}).empty());
  CHECK(skipped(std::nullopt, {}).empty());
}

TEST_CASE("only the scoring layer of a composed head is left out") {
  const Names roberta = {"lm_head.decoder.weight", "lm_head.dense.weight",
                         "lm_head.layer_norm.weight", "roberta.pooler.dense.weight"};
  CHECK(skipped(facts("RobertaForMaskedLM", "roberta", true), roberta) ==
        std::vector<SkippedModule>{{"lm_head.decoder", SkipReason::output_head}});
}

TEST_CASE("a head's name counts only in the families that use it so") {
  const Names names = {"model.encoder.fc.weight", "proj_out.weight"};
  CHECK(skipped(facts("WhisperForConditionalGeneration", "whisper"), names) ==
        std::vector<SkippedModule>{{"proj_out", SkipReason::output_head}});
  CHECK(skipped(facts("OtherForConditionalGeneration", "other"), names).empty());
}

TEST_CASE("a family's names count in the checkpoint's spelling as in the model's") {
  const HfConfig config = facts("DeepseekV4ForCausalLM", "deepseek_v4");
  const std::vector<SkippedModule> expected = {
      {"head", SkipReason::output_head},
      {"layers.0.attn.indexer.compressor.wkv", SkipReason::kept_fp32},
      {"layers.0.attn.indexer.weights_proj", SkipReason::kept_fp32}};
  CHECK(skipped(config, {"head.weight", "layers.0.attn.indexer.compressor.wkv.weight",
                         "layers.0.attn.indexer.weights_proj.weight",
                         "layers.0.attn.wkv.weight"}) == expected);
  CHECK(skipped(config, {"lm_head.weight", "model.layers.0.self_attn.compressor.kv_proj.weight"})
            .size() == 2);
}

TEST_CASE("what a family keeps in full precision itself is left out") {
  const Names t5 = {"decoder.block.0.layer.2.DenseReluDense.wi.weight",
                    "decoder.block.0.layer.2.DenseReluDense.wo.weight", "lm_head.weight"};
  CHECK(skipped(facts("T5ForConditionalGeneration", "t5", false), t5) ==
        std::vector<SkippedModule>{
            {"decoder.block.0.layer.2.DenseReluDense.wo", SkipReason::kept_fp32},
            {"lm_head", SkipReason::output_head}});
}

TEST_CASE("the text model inside a composite one has its family's rules") {
  HfConfig config = facts("SomeForConditionalGeneration", "some_vl", false);
  config.text_model_type = "mt5";
  CHECK(skipped(config, {"text.block.0.wo.weight"}) ==
        std::vector<SkippedModule>{{"text.block.0.wo", SkipReason::kept_fp32}});
}

TEST_CASE("every reason has a name of its own") {
  std::set<std::string_view> names;
  for (SkipReason reason : {SkipReason::output_head, SkipReason::tied, SkipReason::last_module,
                            SkipReason::kept_fp32}) {
    CHECK_FALSE(name_of(reason).empty());
    names.insert(name_of(reason));
  }
  CHECK(names.size() == 4);
}

TEST_CASE("a module is a name without its last part") {
  CHECK(module_of("lm_head.weight") == "lm_head");
  CHECK(module_of("a.b.bias") == "a.b");
  CHECK(module_of("weight") == "weight");
}
