#include "gguf/from_hub.hpp"

#include <cmath>
#include <fstream>
#include <iterator>

#include "catch.hpp"
#include "hub_numbers.hpp"
#include "io/checkpoint.hpp"
#include "names_golden.hpp"

using namespace plimsoll;
using nlohmann::json;

namespace {

const char* const families[] = {"gemma2", "gemma3", "llama", "llama3",    "mistral",  "mixtral",
                                "phi3",   "qwen2",  "qwen3", "qwen2_moe", "qwen3_moe"};

const gguf::NameTables& tables() {
  static const gguf::NameTables shipped = gguf::shipped_name_tables().value();
  return shipped;
}

/// The text of a file; empty if there is none.
std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A checkpoint of tests/golden/gguf_names/hub, and what the converter makes of it.
struct Golden {
  io::Catalogue catalogue;
  std::string config, tokenizer, tokenizer_config;
  json expected;

  explicit Golden(const std::string& name) {
    const std::string folder = PLIMSOLL_GOLDEN_DIR "/gguf_names/hub/" + name + "/";
    catalogue = io::open_checkpoint(folder).value();
    config = text_of(folder + "config.json");
    tokenizer = text_of(folder + "tokenizer.json");
    tokenizer_config = text_of(folder + "tokenizer_config.json");
    expected = json::parse(text_of(folder + "expected.json"));
  }

  [[nodiscard]] Expected<gguf::FromHub> made() const {
    return gguf::from_hub(catalogue, tables(), {"Tiny", config, tokenizer, tokenizer_config, {}});
  }

  /// Changes members of config.json; null removes one.
  void edit(const json& changes) {
    json members = json::parse(config);
    members.merge_patch(changes);
    config = members.dump();
  }
};

/// The numbers of a tensor: those of each source, put in order and mapped, one after the other.
std::vector<float> numbers_of(const io::Catalogue& catalogue, const gguf::FromHubTensor& tensor) {
  if (tensor.sources.empty()) return tensor.values;
  io::Catalogue seen = catalogue;
  if (tensor.order) seen.orders = {*tensor.order};
  std::vector<float> numbers;
  for (const std::uint32_t source : tensor.sources) {
    io::TensorEntry entry = catalogue.tensors.at(source);
    entry.order = tensor.order ? 1 : 0;
    entry.map = tensor.map;
    const std::vector<float> part = hub_numbers(seen, entry);
    numbers.insert(numbers.end(), part.begin(), part.end());
  }
  return numbers;
}

json element_of(const io::GgufValue& value, std::uint64_t i) {
  if (const auto text = value.string_at(i)) return *text;
  if (const auto truth = value.bool_at(i)) return *truth;
  if (const auto number = value.signed_at(i)) return *number;
  return value.float_at(i).value();
}

/// A value as the golden data have it.
json described(const std::string& key, const io::GgufValue& value) {
  const std::map<io::GgufType, std::string> names = {{io::GgufType::u32, "UINT32"},
                                                     {io::GgufType::i32, "INT32"},
                                                     {io::GgufType::f32, "FLOAT32"},
                                                     {io::GgufType::boolean, "BOOL"},
                                                     {io::GgufType::string, "STRING"}};
  json types = json::array({names.at(value.type())});
  if (!value.is_array()) return {{"key", key}, {"type", types}, {"value", element_of(value, 0)}};
  types.insert(types.begin(), "ARRAY");
  json elements = json::array();
  for (std::uint64_t i = 0; i < value.size(); ++i) elements.push_back(element_of(value, i));
  return {{"key", key}, {"type", types}, {"value", elements}};
}

std::vector<std::string> missing_keys(const gguf::FromHub& made) {
  std::vector<std::string> keys;
  for (const gguf::MissingKey& each : made.missing) keys.push_back(each.key);
  return keys;
}

bool is_near(const std::vector<float>& numbers, const json& expected) {
  if (numbers.size() != expected.size()) return false;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto other = expected[i].get<float>();
    if (std::abs(numbers[i] - other) > 1e-6f * std::abs(other)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a checkpoint becomes the tensors that the converter makes of it, in its order") {
  for (const char* name : families) {
    INFO(name);
    const Golden golden(name);
    const auto made = golden.made();
    REQUIRE(made);
    CHECK(made->unnamed.empty());
    const json& tensors = golden.expected.at("tensors");
    REQUIRE(made->tensors.size() == tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const gguf::FromHubTensor& tensor = made->tensors[i];
      INFO(tensor.name);
      CHECK(tensor.name == tensors[i].at("name"));
      CHECK(json(tensor.shape) == tensors[i].at("shape"));
      const std::vector<float> numbers = numbers_of(golden.catalogue, tensor);
      if (tensors[i].at("numbers").is_array()) {
        CHECK(is_near(numbers, tensors[i].at("numbers")));
      } else {
        CHECK(fnv1a(numbers) == tensors[i].at("fnv1a").get<std::string>());
      }
    }
  }
}

TEST_CASE("one is added to norms of F16 in F16, and to those of BF16 in F32") {
  using codecs::ElementMap;
  for (const auto& [dtype, map] : {std::pair(Dtype::f16, ElementMap::add_one_in_f16),
                                   std::pair(Dtype::bf16, ElementMap::add_one)}) {
    Golden golden("gemma2");
    for (io::TensorEntry& entry : golden.catalogue.tensors) entry.dtype = dtype;
    const auto made = golden.made();
    REQUIRE(made);
    std::size_t mapped = 0;
    for (const gguf::FromHubTensor& tensor : made->tensors) {
      if (tensor.map == ElementMap::none) continue;
      INFO(tensor.name);
      CHECK(tensor.map == map);
      ++mapped;
    }
    CHECK(mapped > 2);
  }
}

TEST_CASE("a checkpoint's texts become the keys that the converter makes of them, in its order") {
  for (const char* name : families) {
    INFO(name);
    const Golden golden(name);
    const auto made = golden.made();
    REQUIRE(made);
    json keys = json::array();
    for (const auto& [key, value] : made->metadata.pairs()) keys.push_back(described(key, value));
    CHECK(keys == golden.expected.at("metadata"));
    // Where the converter wants a tokenizer.model, the golden data have no tokenizer.
    const std::vector<std::string> none = {"tokenizer.ggml.model", "tokenizer.ggml.pre",
                                           "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"};
    CHECK(missing_keys(*made) == (golden.tokenizer.empty() ? none : std::vector<std::string>()));
  }
}

TEST_CASE("vectors, norms and routers stay F32, matrices do not") {
  const auto made = Golden("qwen2_moe").made();
  REQUIRE(made);
  for (const gguf::FromHubTensor& tensor : made->tensors) {
    const bool router = tensor.name.find("ffn_gate_inp") != std::string::npos;
    INFO(tensor.name);
    CHECK(tensor.stays_f32 == (tensor.shape.size() == 1 || router));
  }
}

TEST_CASE("keys for which config.json has nothing are listed as missing") {
  Golden golden("qwen2");
  golden.edit({{"num_key_value_heads", nullptr},
               {"rope_parameters", nullptr},
               {"hidden_size", "wide"},
               {"intermediate_size", 1ull << 40}});
  const auto made = golden.made();
  REQUIRE(made);
  CHECK(missing_keys(*made) ==
        std::vector<std::string>{"qwen2.embedding_length", "qwen2.feed_forward_length",
                                 "qwen2.attention.head_count_kv", "qwen2.rope.freq_base"});
  CHECK(made->missing[0].reason.find("hidden_size") != std::string::npos);
  CHECK(made->metadata.find("qwen2.embedding_length") == nullptr);
}

TEST_CASE("numbers that count nothing are as good as none") {
  Golden golden("phi3");
  golden.edit({{"partial_rotary_factor", -0.5}});
  CHECK(missing_keys(*golden.made()).front() == "phi3.rope.dimension_count");
  Golden yarn("qwen2");
  yarn.edit({{"rope_parameters", {{"original_max_position_embeddings", 1e300}}}});
  CHECK(missing_keys(*yarn.made()) ==
        std::vector<std::string>{"qwen2.rope.scaling.original_context_length"});
}

TEST_CASE("a way of cutting text without a known name is listed as missing") {
  Golden golden("qwen3");
  const std::string known = R"(\\p{N}|)";
  golden.tokenizer.replace(golden.tokenizer.find(known), known.size(), R"(\\p{N}{1,4}|)");
  const auto made = golden.made();
  REQUIRE(made);
  CHECK(missing_keys(*made) == std::vector<std::string>{"tokenizer.ggml.pre"});
}

TEST_CASE("scores of tokens are missing where the converter would want tokenizer.model") {
  Golden golden("gemma2");
  golden.tokenizer = Golden("llama").tokenizer;
  const auto made = golden.made();
  REQUIRE(made);
  CHECK(missing_keys(*made) == std::vector<std::string>{"tokenizer.ggml.scores"});
  CHECK(made->metadata.bool_of("tokenizer.ggml.add_space_prefix", "").value() == false);
}

TEST_CASE("the template of chats may stand in a file of its own") {
  const Golden golden("qwen2");
  json tokenizer_config = json::parse(golden.tokenizer_config);
  tokenizer_config.erase("chat_template");
  const auto made =
      gguf::from_hub(golden.catalogue, tables(),
                     {"Tiny", golden.config, golden.tokenizer, tokenizer_config.dump(), "{{ x }}"});
  REQUIRE(made);
  CHECK(made->metadata.string_of("tokenizer.chat_template", "").value() == "{{ x }}");
}

TEST_CASE("the language model of gemma3 with eyes becomes a file without them") {
  Golden golden("gemma3");
  golden.edit({{"architectures", {"Gemma3ForConditionalGeneration"}}});
  for (io::TensorEntry& tensor : golden.catalogue.tensors) {
    tensor.name = "language_model." + tensor.name;
  }
  golden.catalogue.tensors.front().name = "vision_tower.patch.weight";
  const auto made = golden.made();
  REQUIRE(made);
  CHECK(made->unnamed.empty());
  CHECK(made->tensors.size() == golden.expected.at("tensors").size() - 1);
}

TEST_CASE("tensors that no table names are listed") {
  Golden golden("llama");
  golden.catalogue.tensors[3].name = "model.layers.0.mystery.weight";
  golden.catalogue.tensors[4].name = "model.layers.0.self_attn.rotary_emb.inv_freq";
  const auto made = golden.made();
  REQUIRE(made);
  CHECK(made->unnamed == std::vector<std::string>{"model.layers.0.mystery.weight"});
}

TEST_CASE("a checkpoint that lacks experts, or has too many, is refused") {
  Golden golden("mixtral");
  golden.edit({{"num_local_experts", 4}});
  CHECK(golden.made().error().code() == ErrorCode::malformed);
  golden.edit({{"num_local_experts", 2}});
  CHECK(golden.made().error().code() == ErrorCode::malformed);
  golden.edit({{"num_local_experts", nullptr}});
  CHECK(golden.made().error().code() == ErrorCode::malformed);
}

TEST_CASE("experts of one stack have one shape") {
  Golden golden("mixtral");
  for (io::TensorEntry& tensor : golden.catalogue.tensors) {
    if (tensor.name == "model.layers.1.block_sparse_moe.experts.1.w3.weight") tensor.shape = {1, 1};
  }
  const auto made = golden.made();
  REQUIRE_FALSE(made);
  CHECK(made.error().tensor() == "model.layers.1.block_sparse_moe.experts.1.w3.weight");
}

TEST_CASE("texts that are no JSON, or do not fit each other, are refused by name") {
  const auto refused = [](const char* file, auto spoil) {
    Golden golden("llama3");
    spoil(golden);
    const auto made = golden.made();
    REQUIRE_FALSE(made);
    CHECK(made.error().file() == file);
    return made.error().code();
  };
  CHECK(refused("config.json", [](Golden& g) { g.config = "{"; }) == ErrorCode::malformed);
  CHECK(refused("config.json", [](Golden& g) {
          g.edit({{"architectures", {"RwkvForCausalLM"}}});
        }) == ErrorCode::unsupported);
  CHECK(refused("config.json", [](Golden& g) {
          g.edit({{"vocab_size", 1ull << 60}});
        }) == ErrorCode::malformed);
  CHECK(refused("tokenizer.json", [](Golden& g) {
          g.edit({{"vocab_size", 4}});
        }) == ErrorCode::malformed);
  CHECK(refused("tokenizer.json", [](Golden& g) { g.tokenizer = "[]"; }) == ErrorCode::malformed);
  CHECK(refused("tokenizer.json", [](Golden& g) {
          g.tokenizer = R"({"model": {"vocab": {"a": 4294967296}}})";
        }) == ErrorCode::malformed);
  CHECK(refused("tokenizer.json", [](Golden& g) {
          g.tokenizer = R"({"added_tokens": [{"content": "a"}]})";
        }) == ErrorCode::malformed);
  CHECK(refused("tokenizer.json", [](Golden& g) {
          g.tokenizer = R"({"model": {"merges": [1]}})";
        }) == ErrorCode::malformed);
  CHECK(refused("tokenizer_config.json", [](Golden& g) { g.tokenizer_config = "nothing"; }) ==
        ErrorCode::malformed);
}

TEST_CASE("heads must divide the rows of queries and keys") {
  Golden golden("llama");
  golden.edit({{"num_attention_heads", 5}});
  const auto made = golden.made();
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == ErrorCode::malformed);
  CHECK(made.error().tensor().find("q_proj") != std::string::npos);
}
