#include "gguf/tensor_types_model.hpp"

#include <array>
#include <string>

#include "../io/mentions.hpp"
#include "catch.hpp"

using namespace plimsoll;
using namespace plimsoll::gguf;
using io::GgufMetadata;
using io::GgufValue;

namespace {

GgufMetadata metadata(std::string_view architecture) {
  GgufMetadata made;
  made.append("general.architecture", GgufValue::of(architecture));
  return made;
}

void set(GgufMetadata& metadata, const std::string& key, std::uint32_t value) {
  metadata.set(key, GgufValue::of(value));
}

ModelFacts sized(const std::string& architecture, std::uint32_t layers, std::uint32_t heads,
                 std::uint32_t kv_heads, std::uint32_t experts = 0) {
  GgufMetadata made = metadata(architecture);
  set(made, architecture + ".block_count", layers);
  set(made, architecture + ".attention.head_count", heads);
  set(made, architecture + ".attention.head_count_kv", kv_heads);
  set(made, architecture + ".expert_count", experts);
  return model_facts(made, "m.gguf").value();
}

}  // namespace

TEST_CASE("a model's facts are those of its architecture's keys") {
  const ModelFacts facts = sized("qwen3moe", 48, 32, 4, 128);
  CHECK(facts.layers == 48);
  CHECK(facts.experts == 128);
  CHECK(facts.queries_per_kv == 8);
  CHECK_FALSE(facts.is_falcon);
  CHECK(sized("falcon", 32, 71, 1).is_falcon);
}

TEST_CASE("every query head has its own key-value head where nothing else is said") {
  GgufMetadata made = metadata("x");
  set(made, "x.block_count", 2);
  CHECK(model_facts(made, "m.gguf").value().queries_per_kv == 0);
  set(made, "x.attention.head_count", 8);
  CHECK(model_facts(made, "m.gguf").value().queries_per_kv == 1);
}

TEST_CASE("of heads that differ by layer the first layer's count") {
  GgufMetadata made = metadata("x");
  set(made, "x.block_count", 3);
  set(made, "x.attention.head_count", 8);
  made.set("x.attention.head_count_kv",
           GgufValue::array_of<std::uint32_t>(std::array<std::uint32_t, 3>{2, 0, 8}));
  CHECK(model_facts(made, "m.gguf").value().queries_per_kv == 4);
  made.set("x.attention.head_count_kv",
           GgufValue::array_of<std::uint32_t>(std::array<std::uint32_t, 3>{0, 2, 8}));
  CHECK(model_facts(made, "m.gguf").value().queries_per_kv == 0);
}

TEST_CASE("a model is of 70B by the layers of its architecture") {
  CHECK(sized("llama", 80, 64, 8).is_70b);
  CHECK_FALSE(sized("llama", 80, 64, 64).is_70b);
  CHECK_FALSE(sized("llama", 80, 64, 8, 8).is_70b);
  CHECK(sized("llama", 80, 64, 8, 16).is_70b);
  CHECK(sized("llama-embed", 80, 64, 8).is_70b);
  for (const char* architecture : {"deci", "qwen2", "qwen2vl", "olmo"}) {
    INFO(architecture);
    CHECK(sized(architecture, 80, 64, 64).is_70b);
    CHECK_FALSE(sized(architecture, 79, 64, 64).is_70b);
  }
  CHECK(sized("jais2", 68, 64, 64).is_70b);
  CHECK_FALSE(sized("jais2", 80, 64, 64).is_70b);
  CHECK_FALSE(sized("qwen3", 80, 64, 8).is_70b);
}

TEST_CASE("vision towers alone have no layers that count") {
  const ModelFacts facts = model_facts(metadata("clip"), "m.gguf").value();
  CHECK(facts.layers == 0);
  CHECK(facts.queries_per_kv == 0);
}

TEST_CASE("metadata without the keys that count, or with others in their place, are refused") {
  const auto refused = [](const GgufMetadata& made, const std::string& reason) {
    const auto facts = model_facts(made, "m.gguf");
    REQUIRE_FALSE(facts.has_value());
    CHECK(facts.error().code() == ErrorCode::malformed);
    CHECK(facts.error().file() == "m.gguf");
    CHECK_MENTIONS(facts.error().reason(), reason);
  };
  refused(GgufMetadata(), "general.architecture");
  GgufMetadata made = metadata("x");
  refused(made, "x.block_count");
  made.set("x.block_count", GgufValue::of(2.0F));
  refused(made, "x.block_count");
  made.set("x.block_count", GgufValue::of(std::uint64_t{1} << 40));
  refused(made, "x.block_count");
  set(made, "x.block_count", 2);
  made.set("x.expert_count", GgufValue::of(std::int32_t{-1}));
  refused(made, "x.expert_count");
  set(made, "x.expert_count", 0);
  made.set("x.attention.head_count", GgufValue::array_of<std::uint32_t>({}));
  refused(made, "x.attention.head_count");
}
