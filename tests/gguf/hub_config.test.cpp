#include "gguf/hub_config.hpp"

#include "catch.hpp"
#include "config/hf_config.hpp"
#include "names_golden.hpp"

using namespace plimsoll;
using gguf::hub_config;
using nlohmann::json;

namespace {

/// A checkpoint of which there are only metadata and names.
struct Told {
  io::GgufCheckpoint checkpoint;
  std::string architecture;

  explicit Told(std::string name) : architecture(std::move(name)) {
    checkpoint.files = {{"file.gguf", 1000}};
    checkpoint.metadata.set("general.architecture", io::GgufValue::of(architecture));
  }

  template <class T>
  Told& set(const std::string& key, T value) {
    checkpoint.metadata.set(architecture + "." + key, io::GgufValue::of(value));
    return *this;
  }

  template <class T>
  Told& set_array(const std::string& key, std::initializer_list<T> values) {
    checkpoint.metadata.set(architecture + "." + key,
                            io::GgufValue::array_of<T>({values.begin(), values.size()}));
    return *this;
  }

  Told& add(std::string name, io::Shape shape = {1}) {
    checkpoint.tensors.push_back(
        {std::move(name), codecs::ggml::Type::f32, std::move(shape), 0, 0, 0});
    return *this;
  }

  [[nodiscard]] gguf::HubConfig made(std::optional<Dtype> dtype = {}) const {
    const auto config = hub_config(checkpoint, family_of(checkpoint), dtype);
    REQUIRE(config);
    return *config;
  }

  [[nodiscard]] json config() const { return json::parse(made().config); }
};

}  // namespace

TEST_CASE("config.json has every member that transformers derives, with its value") {
  for (const auto& [name, file] : expected_names().items()) {
    INFO(name);
    const io::GgufCheckpoint checkpoint = golden_checkpoint(name);
    const gguf::Family& family = family_of(checkpoint);
    const auto made = hub_config(checkpoint, family, std::nullopt);
    REQUIRE(made);
    const json config = json::parse(made->config);
    for (const auto& [member, value] : file.at("config").items()) {
      // That library takes every T5 for a gated one, and knows no experts of llama's architecture.
      if (name == "t5_relu" && member == "is_gated_act") continue;
      if (name == "mixtral" && member == "model_type") continue;
      INFO(member);
      REQUIRE(config.contains(member));
      CHECK(config.at(member) == value);
    }
  }
}

TEST_CASE("config.json names the family's class, and reads as a checkpoint's") {
  for (const auto& [name, file] : expected_names().items()) {
    INFO(name);
    const io::GgufCheckpoint checkpoint = golden_checkpoint(name);
    const gguf::Family& family = family_of(checkpoint);
    const auto made = hub_config(checkpoint, family, Dtype::bf16);
    REQUIRE(made);
    const auto facts = config::parse_hf_config(made->config, "config.json");
    REQUIRE(facts);
    CHECK(facts->architecture == family.class_name);
    CHECK(facts->model_type == family.model_type);
    CHECK(facts->dtype == Dtype::bf16);
    CHECK(facts->tie_word_embeddings.has_value());
  }
}

TEST_CASE("ids of special tokens stand in generation_config.json too") {
  const gguf::HubConfig made = [] {
    const io::GgufCheckpoint checkpoint = golden_checkpoint("t5");
    return hub_config(checkpoint, family_of(checkpoint), std::nullopt).value();
  }();
  CHECK(json::parse(made.generation_config) == json{{"_from_model_config", true},
                                                    {"bos_token_id", 1},
                                                    {"decoder_start_token_id", 0},
                                                    {"eos_token_id", 2},
                                                    {"pad_token_id", 0}});
  CHECK(Told("llama").made().generation_config.empty());
}

TEST_CASE("sizes of experts are the metadata's, or else the tensors'") {
  Told told("qwen2moe");
  told.add("blk.0.ffn_gate_exps.weight", {4, 48, 32}).add("blk.0.ffn_gate_shexp.weight", {96, 32});
  CHECK(told.config().at("moe_intermediate_size") == 48);
  CHECK(told.config().at("shared_expert_intermediate_size") == 96);
  told.set("expert_feed_forward_length", 16u).set("expert_shared_feed_forward_length", 17u);
  CHECK(told.config().at("moe_intermediate_size") == 16);
  CHECK(told.config().at("shared_expert_intermediate_size") == 17);
}

TEST_CASE("the size of qwen3's heads is the metadata's, or else a tensor's") {
  // The library's default is no quotient of the model's sizes.
  Told told("qwen3");
  told.add("blk.0.attn_q_norm.weight", {64});
  CHECK(told.config().at("head_dim") == 64);
  told.set("attention.key_length", 32u);
  CHECK(told.config().at("head_dim") == 32);
}

TEST_CASE("scaling of rotary embeddings goes over where the metadata tell all of it") {
  Told told("gpt-oss");
  told.set("rope.scaling.type", std::string_view("yarn"));
  CHECK_FALSE(told.config().contains("rope_scaling"));
  told.set("rope.scaling.factor", 32.0f).set("rope.scaling.original_context_length", 4096u);
  told.set("rope.scaling.yarn_beta_fast", 32.0f).set("rope.scaling.yarn_beta_slow", 1.0f);
  CHECK(told.config().at("rope_scaling") == json{{"rope_type", "yarn"},
                                                 {"factor", 32.0},
                                                 {"original_max_position_embeddings", 4096},
                                                 {"beta_fast", 32.0},
                                                 {"beta_slow", 1.0},
                                                 {"truncate", false}});
  Told linear("gemma3");
  linear.set("rope.scaling.type", std::string_view("linear")).set("rope.scaling.factor", 8.0f);
  CHECK(linear.config().at("rope_scaling") == json{{"rope_type", "linear"}, {"factor", 8.0}});
}

TEST_CASE("what only tensors of a file tell is listed as not told") {
  using Members = std::vector<std::string>;
  CHECK(Told("llama").made().not_told.empty());
  CHECK(Told("llama").add("rope_freqs.weight").made().not_told == Members{"rope_scaling"});
  CHECK(Told("phi3").add("rope_factors_long.weight").made().not_told == Members{"rope_scaling"});
  CHECK(Told("gemma4").add("rope_freqs.weight").made().not_told.empty());
  CHECK(Told("gemma2").made().not_told == Members{"query_pre_attn_scalar"});
}

TEST_CASE("layers of lfm2 are told by their numbers of keys") {
  Told told("lfm2");
  told.set_array<std::int32_t>("attention.head_count_kv", {0, 8, 0});
  const json config = told.config();
  CHECK(config.at("num_key_value_heads") == 8);
  CHECK(config.at("layer_types") == json{"conv", "full_attention", "conv"});
  CHECK(config.at("eos_token_id").is_null());
}

TEST_CASE("numbers of gemma4 that differ by layer are sorted by kinds of layers") {
  Told told("gemma4");
  told.set("block_count", 3u);
  told.set_array<bool>("attention.sliding_window_pattern", {true, true, false});
  told.set_array<std::uint32_t>("attention.head_count_kv", {8, 8, 2});
  told.set_array<std::uint32_t>("feed_forward_length", {64, 128, 128});
  told.set("attention.key_length", 512u).set("attention.key_length_swa", 256u);
  told.add("blk.2.attn_k.weight").add("blk.0.ffn_gate_inp.weight");
  told.add("per_layer_token_embd.weight", {100, 30});
  const json config = told.config();
  CHECK(config.at("layer_types") ==
        json{"sliding_attention", "sliding_attention", "full_attention"});
  CHECK(config.at("num_key_value_heads") == 8);
  CHECK(config.at("num_global_key_value_heads") == 2);
  CHECK(config.at("intermediate_size") == 64);
  CHECK(config.at("use_double_wide_mlp") == true);
  CHECK(config.at("global_head_dim") == 512);
  CHECK(config.at("head_dim") == 256);
  CHECK(config.at("attention_k_eq_v") == true);
  CHECK(config.at("enable_moe_block") == true);
  CHECK(config.at("vocab_size_per_layer_input") == 100);
}

TEST_CASE("tensors tell what metadata do not") {
  CHECK(Told("llama").add("blk.0.attn_q.bias").config().at("attention_bias") == true);
  CHECK(Told("llama").config().at("tie_word_embeddings") == true);
  CHECK(Told("llama").add("output.weight").config().at("tie_word_embeddings") == false);
  CHECK(Told("falcon").add("output.weight").config().at("tie_word_embeddings") == true);
  CHECK(Told("llama").add("token_embd.weight", {77, 8}).config().at("vocab_size") == 77);
  CHECK(Told("stablelm").add("blk.0.ffn_norm.weight").config().at("use_parallel_residual") ==
        false);
  CHECK(Told("t5").add("enc.blk.0.ffn_gate.weight").config().at("feed_forward_proj") ==
        "gated-gelu");
  CHECK(Told("falcon").add("blk.0.attn_norm_2.weight").config().at("new_decoder_architecture") ==
        true);
}

TEST_CASE("how experts of minimax-m2 are chosen is written as a word") {
  CHECK(Told("minimax-m2").set("expert_gating_func", 2u).config().at("scoring_func") == "sigmoid");
  CHECK(Told("minimax-m2").set("expert_gating_func", 9u).config().at("scoring_func") == "softmax");
}

TEST_CASE("metadata of any bytes and types make a config.json that can be read") {
  Told told("llama");
  told.checkpoint.metadata.set("general.name", io::GgufValue::of(std::string_view("\xff\xfe")));
  told.set("block_count", std::string_view("many")).set("embedding_length", -1);
  told.set_array<std::uint32_t>("attention.head_count", {});
  told.set_array<std::uint64_t>("feed_forward_length", {1, ~0ull});
  const json config = told.config();
  CHECK(config.at("num_hidden_layers") == "many");
  CHECK(config.at("hidden_size") == -1);
  CHECK_FALSE(config.contains("num_attention_heads"));
  CHECK(config.at("intermediate_size") == json{1, ~0ull});
}
