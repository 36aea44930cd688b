#include "gguf/hub_catalogue.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "catch.hpp"
#include "hub_numbers.hpp"
#include "names_golden.hpp"
#include "rules/name_mapping.hpp"

using namespace plimsoll;
using codecs::ggml::Type;
using gguf::hub_catalogue;
using nlohmann::json;

namespace {

/// A checkpoint of which there is only a header: tensors lie behind each other from byte 0 on.
struct Header {
  io::GgufCheckpoint checkpoint;

  explicit Header(std::string_view architecture) {
    checkpoint.files = {{"models/file.gguf", 1u << 30}};
    checkpoint.metadata.set("general.architecture", io::GgufValue::of(architecture));
    set("attention.head_count", 4);
    set("attention.head_count_kv", 2);
  }

  void set(const std::string& key, std::uint32_t value) {
    const std::string architecture(*checkpoint.metadata.find("general.architecture")->string_at(0));
    checkpoint.metadata.set(architecture + "." + key, io::GgufValue::of(value));
  }

  Header& add(std::string name, io::Shape shape, Type type = Type::f32) {
    const auto& traits = codecs::ggml::traits_of(type);
    const std::uint64_t bytes =
        io::element_count(shape) / traits.block_elements * traits.block_bytes;
    const auto& last = checkpoint.tensors;
    const std::uint64_t offset = last.empty() ? 0 : last.back().offset + last.back().bytes;
    checkpoint.tensors.push_back({std::move(name), type, std::move(shape), 0, offset, bytes});
    return *this;
  }

  [[nodiscard]] Expected<gguf::HubCatalogue> hub() const {
    return hub_catalogue(checkpoint, family_of(checkpoint));
  }
};

std::vector<std::string> names_of(const io::Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const io::TensorEntry& tensor : catalogue.tensors) names.push_back(tensor.name);
  return names;
}

/// Whether numbers are those that went through another library's logarithm.
bool nearly(const std::vector<float>& numbers, const json& expected) {
  const auto wanted = expected.get<std::vector<float>>();
  return std::ranges::equal(numbers, wanted, [](float number, float other) {
    return number == other || std::nextafter(number, other) == other;
  });
}

void check_tensor(const io::Catalogue& catalogue, const io::TensorEntry& tensor,
                  const json& expected) {
  INFO(tensor.name);
  CHECK(json(tensor.shape) == expected.at("shape"));
  const std::vector<float> numbers = hub_numbers(catalogue, tensor);
  if (expected.contains("numbers")) {
    CHECK(nearly(numbers, expected.at("numbers")));
  } else {
    CHECK(fnv1a(numbers) == expected.at("fnv1a").get<std::string>());
  }
}

}  // namespace

TEST_CASE("every family's file has a checkpoint's tensors, with its names, shapes and numbers") {
  for (const auto& [name, file] : expected_names().items()) {
    INFO(name);
    const io::GgufCheckpoint checkpoint = golden_checkpoint(name);
    const auto hub = hub_catalogue(checkpoint, family_of(checkpoint));
    REQUIRE(hub);
    CHECK(hub->unexpected.empty());
    const json& tensors = file.at("tensors");
    CHECK(hub->catalogue.tensors.size() == tensors.size());
    for (const io::TensorEntry& tensor : hub->catalogue.tensors) {
      INFO(tensor.name);
      REQUIRE(tensors.contains(tensor.name));
      check_tensor(hub->catalogue, tensor, tensors.at(tensor.name));
    }
  }
}

TEST_CASE("a catalogue under a file's own names has its shapes, outermost first, and its types") {
  Header header("no-such-architecture");
  header.add("a", {2, 3, 32}, Type::q8_0).add("b", {5}, Type::i8).add("c", {}, Type::f64);
  header.checkpoint.big_endian = true;
  const io::Catalogue catalogue = gguf::gguf_catalogue(header.checkpoint);
  CHECK(catalogue.format == io::ContainerFormat::gguf);
  CHECK(catalogue.directory == "models");
  CHECK(names_of(catalogue) == std::vector<std::string>{"a", "b", "c"});
  const auto& tensors = catalogue.tensors;
  CHECK(tensors[0].shape == io::Shape{2, 3, 32});
  CHECK(tensors[0].blocks == Type::q8_0);
  CHECK(tensors[0].dtype == Dtype::f32);
  CHECK(tensors[0].bytes == 204);
  CHECK(tensors[0].swapped);
  CHECK(tensors[1].dtype == Dtype::i8);
  CHECK_FALSE(tensors[1].blocks);
  CHECK_FALSE(tensors[1].swapped);
  CHECK(tensors[1].offset == 204);
  CHECK(tensors[2].dtype == Dtype::f64);
  CHECK(tensors[2].order == 0);
}

TEST_CASE("an expert of a stacked tensor is a tensor of its own, with its own bytes") {
  Header header("qwen3moe");
  header.add("blk.7.ffn_down_exps.weight", {12, 4, 32}, Type::q8_0);
  const auto hub = header.hub();
  REQUIRE(hub);
  REQUIRE(hub->catalogue.tensors.size() == 12);
  const io::TensorEntry& expert = hub->catalogue.tensors[10];
  CHECK(expert.name == "model.layers.7.mlp.experts.10.down_proj.weight");
  CHECK(expert.shape == io::Shape{4, 32});
  CHECK(expert.blocks == Type::q8_0);
  CHECK(expert.bytes == 4 * 34);
  CHECK(expert.offset == 10 * 4 * 34);
}

TEST_CASE("experts that a file keeps apart have the names of those that it stacks") {
  Header header("llama");
  header.set("expert_count", 2);
  header.add("blk.3.ffn_gate.0.weight", {8, 4}).add("blk.3.ffn_down.1.weight", {4, 8});
  const auto hub = header.hub();
  REQUIRE(hub);
  CHECK(names_of(hub->catalogue) ==
        std::vector<std::string>{"model.layers.3.block_sparse_moe.experts.0.w1.weight",
                                 "model.layers.3.block_sparse_moe.experts.1.w2.weight"});
}

TEST_CASE("norms of single heads are tensors of their own") {
  Header header("stablelm");
  header.add("blk.0.attn_k_norm.weight", {2, 8});
  const auto hub = header.hub();
  REQUIRE(hub);
  REQUIRE(hub->catalogue.tensors.size() == 2);
  CHECK(hub->catalogue.tensors[1].name == "model.layers.0.self_attn.k_layernorm.norms.1.weight");
  CHECK(hub->catalogue.tensors[1].shape == io::Shape{8});
}

TEST_CASE("layers share the orders that they have in common") {
  Header header("llama");
  for (const char* layer : {"0", "1", "2"}) {
    const std::string at = std::string("blk.") + layer;
    header.add(at + ".attn_q.weight", {32, 16}).add(at + ".attn_k.weight", {16, 16});
  }
  const auto hub = header.hub();
  REQUIRE(hub);
  REQUIRE(hub->catalogue.orders.size() == 2);
  CHECK(hub->catalogue.orders[0] == io::StoredOrder{{4, 4, 2, 16}, {0, 2, 1, 3}});
  CHECK(hub->catalogue.orders[1] == io::StoredOrder{{2, 4, 2, 16}, {0, 2, 1, 3}});
  CHECK(hub->catalogue.tensors[4].order == 1);
  CHECK(hub->catalogue.tensors[5].order == 2);
}

TEST_CASE("each layer has its own number of heads where metadata give one a layer") {
  Header header("deci");
  const std::uint32_t keys[] = {0, 4};
  header.checkpoint.metadata.set("deci.attention.head_count_kv",
                                 io::GgufValue::array_of<std::uint32_t>(keys));
  header.add("blk.1.attn_k.weight", {16, 8}).add("blk.0.attn_output.weight", {16, 8});
  const auto hub = header.hub();
  REQUIRE(hub);
  CHECK(hub->catalogue.orders.at(0).stored == io::Shape{4, 2, 2, 8});
  CHECK(hub->catalogue.tensors[1].name == "model.layers.0.self_attn.linear_attn.weight");

  header.add("blk.0.attn_k.weight", {16, 8});
  CHECK(header.hub().error().code() == ErrorCode::malformed);
}

TEST_CASE("a list of heads may have one layer") {
  Header header("llama");
  header.add("blk.0.attn_q.weight", {16, 4});
  const std::uint32_t heads[] = {2};
  header.checkpoint.metadata.set("llama.attention.head_count",
                                 io::GgufValue::array_of<std::uint32_t>(heads));
  const auto hub = header.hub();
  REQUIRE(hub);
  REQUIRE(hub->catalogue.orders.size() == 1);
  CHECK(hub->catalogue.orders[0].stored == io::Shape{2, 4, 2, 4});
  header.add("blk.1.attn_q.weight", {16, 4});
  CHECK(header.hub().error().code() == ErrorCode::malformed);
}

TEST_CASE("the two norms of a new falcon have names of their own") {
  Header header("falcon");
  header.set("attention.head_count_kv", 1);
  header.add("blk.0.attn_norm.weight", {8}).add("blk.0.attn_norm_2.weight", {8});
  header.add("blk.1.attn_norm.weight", {8}).add("blk.1.attn_qkv.weight", {48, 8});
  auto hub = header.hub();
  REQUIRE(hub);
  CHECK(names_of(hub->catalogue) ==
        std::vector<std::string>{"transformer.h.0.ln_mlp.weight", "transformer.h.0.ln_attn.weight",
                                 "transformer.h.1.input_layernorm.weight",
                                 "transformer.h.1.self_attention.query_key_value.weight"});
  CHECK(hub->catalogue.tensors[3].order == 0);

  header.set("attention.head_count_kv", 4);
  hub = header.hub();
  REQUIRE(hub);
  CHECK(hub->catalogue.orders.at(0) == io::StoredOrder{{3, 4, 4, 8}, {1, 0, 2, 3}});

  header.set("attention.head_count_kv", 2);
  CHECK(header.hub().error().code() == ErrorCode::unsupported);
  CHECK(header.hub().error().tensor() == "blk.1.attn_qkv.weight");
}

TEST_CASE("a gate of shared experts gets its second size once, whether or not the file has it") {
  for (const io::Shape& stored : {io::Shape{8}, io::Shape{1, 8}}) {
    Header header("qwen2moe");
    header.add("blk.0.ffn_gate_inp_shexp.weight", stored);
    const auto hub = header.hub();
    REQUIRE(hub);
    CHECK(hub->catalogue.tensors.at(0).shape == io::Shape{1, 8});
  }
}

TEST_CASE(
    "tensors that no table names are listed, and those that config.json tells apart from them") {
  Header header("llama");
  header.add("rope_freqs.weight", {4}).add("token_embd.weight", {8, 4});
  header.add("blk.0.attn_q.scale", {1}).add("blk.0.mystery.weight", {1}).add("token_embd", {1});
  const auto hub = header.hub();
  REQUIRE(hub);
  CHECK(hub->unexpected == std::vector<std::string>{"blk.0.attn_q.scale", "blk.0.mystery.weight"});
  CHECK(hub->left_out == std::vector<std::string>{"rope_freqs.weight"});
  CHECK(hub->catalogue.tensors.at(0).offset == 16);
}

TEST_CASE("experts of gpt-oss are joined by rules that make the published names of them") {
  const io::GgufCheckpoint checkpoint = golden_checkpoint("gpt_oss");
  const auto hub = hub_catalogue(checkpoint, family_of(checkpoint));
  REQUIRE(hub);
  std::string list = "[rules.joins]\nlist = [";
  for (const std::string& join : hub->joins) list += "'''" + join + "''',";
  rules::RuleSet set;
  REQUIRE(set.add_text(list + "]", "joins"));
  rules::Architecture facts;
  facts.lists = {{"joins", std::nullopt}};
  const auto rules = rules::NameRules::compile(set, facts);
  REQUIRE(rules);
  const std::vector<std::string> names = names_of(hub->catalogue);
  const auto mapping = rules->map(names, std::nullopt);
  REQUIRE(mapping);
  CHECK(mapping->problems.empty());
  std::map<std::string, std::vector<std::string>> joined;
  for (const rules::Product& product : mapping->products) {
    if (!product.conversion) continue;
    for (const auto& sources : product.sources) {
      for (const std::uint32_t source : sources)
        joined[product.targets.at(0)].push_back(names[source]);
    }
  }
  const std::string at = "model.layers.1.mlp.experts.";
  CHECK(joined.size() == 4);
  CHECK(joined[at + "gate_up_proj"] == std::vector<std::string>{at + "gate_proj", at + "up_proj"});
  CHECK(joined[at + "gate_up_proj_bias"] ==
        std::vector<std::string>{at + "gate_proj_bias", at + "up_proj_bias"});
}

TEST_CASE("a file whose header cannot be a checkpoint's is refused, by tensor") {
  struct Refusal {
    std::string_view architecture;
    std::string_view tensor;
    io::Shape shape;
    Type type;
    ErrorCode code;
  };
  const Refusal refusals[] = {
      {"llama", "blk.0.attn_q.weight", {9, 4}, Type::f32, ErrorCode::malformed},
      {"llama", "blk.0.attn_k.weight", {6, 4}, Type::f32, ErrorCode::malformed},
      {"llama", "blk.0.attn_q.bias", {32}, Type::q8_0, ErrorCode::unsupported},
      {"bloom", "blk.0.attn_qkv.weight", {16, 4}, Type::f32, ErrorCode::malformed},
      {"gpt2", "blk.0.ffn_up.weight", {4}, Type::f32, ErrorCode::malformed},
      {"gemma2", "output_norm.weight", {4}, Type::i32, ErrorCode::unsupported},
      {"qwen3moe", "blk.0.ffn_up_exps.weight", {4}, Type::f32, ErrorCode::malformed},
      {"qwen3moe",
       "blk.0.ffn_up_exps.weight",
       {1ull << 40, 0, 4},
       Type::f32,
       ErrorCode::unsupported},
  };
  for (const Refusal& refusal : refusals) {
    INFO(refusal.architecture << ' ' << refusal.tensor);
    Header header(refusal.architecture);
    header.add(std::string(refusal.tensor), refusal.shape, refusal.type);
    const auto hub = header.hub();
    REQUIRE_FALSE(hub);
    CHECK(hub.error().code() == refusal.code);
    CHECK(hub.error().tensor() == refusal.tensor);
    CHECK(hub.error().file() == "models/file.gguf");
  }
}

TEST_CASE("many small stacks may not come to more tensors than a catalogue holds") {
  Header header("qwen3moe");
  for (int layer = 0; layer < 3; ++layer) {
    header.add("blk." + std::to_string(layer) + ".ffn_up_exps.weight", {1u << 19, 1});
  }
  CHECK(header.hub().error().code() == ErrorCode::unsupported);
}

TEST_CASE("two tensors of a file cannot be one of a checkpoint") {
  Header header("gpt-oss");
  header.add("blk.0.ffn_norm.weight", {4}).add("blk.0.post_attention_norm.weight", {4});
  const auto hub = header.hub();
  REQUIRE_FALSE(hub);
  CHECK(hub.error().code() == ErrorCode::malformed);
  CHECK(hub.error().tensor() == "model.layers.0.post_attention_layernorm.weight");
}
