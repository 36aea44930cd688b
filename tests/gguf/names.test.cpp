#include "gguf/names.hpp"

#include "catch.hpp"

using namespace plimsoll;
using gguf::NameRow;
using gguf::parse_name_row;
using gguf::Reorder;

namespace {

io::GgufMetadata metadata_of(std::string_view architecture, std::string_view name) {
  io::GgufMetadata metadata;
  metadata.set("general.architecture", io::GgufValue::of(architecture));
  if (!name.empty()) metadata.set("general.name", io::GgufValue::of(name));
  return metadata;
}

std::string family_name(const io::GgufMetadata& metadata) {
  const auto tables = gguf::shipped_name_tables();
  REQUIRE(tables);
  const auto family = gguf::family_of(*tables, metadata, "FILE");
  REQUIRE(family);
  return (*family)->name;
}

}  // namespace

TEST_CASE("a row of names reads as it is written") {
  const auto row = parse_name_row(
      "blk.N.a -> layers.N.b.E if blk.N.c.weight by rope_halves(kv_heads) unsqueeze(1, 3)");
  REQUIRE(row);
  CHECK(row->from == "blk.N.a");
  CHECK(row->to == "layers.N.b.E");
  CHECK(row->condition == NameRow::Condition::if_present);
  CHECK(row->other == "blk.N.c.weight");
  CHECK(row->operations.reorder == Reorder::rope_halves);
  CHECK(row->operations.heads == gguf::HeadKind::key_value);
  CHECK(row->operations.unsqueeze == gguf::Unsqueeze{1, 3});
  CHECK(parse_name_row("a -> b by log_negate")->operations.map == codecs::ElementMap::log_negate);
}

TEST_CASE("rows that make no sense are refused") {
  for (const char* text :
       {"", "a", "a b c", "a -> layers.N.b", "a -> b if", "a -> b by", "a -> b with c",
        "a -> b by turn", "a -> b by rope_halves", "a -> b by rope_halves(tails)",
        "a -> b by unsqueeze(1)", "a -> b by unsqueeze(3, 3)", "a -> b by transpose(1)",
        "a -> b by heads_outermost(heads"}) {
    INFO(text);
    const auto row = parse_name_row(text);
    REQUIRE_FALSE(row);
    CHECK(row.error().code() == ErrorCode::invalid_config);
  }
}

TEST_CASE("name tables that make no sense are refused, with the file's name") {
  for (const char* text :
       {"[[family]", "[[family]]\nname='a'", "[[family]]\nname='a'\nclass='B'\nlike=['none']",
        "[[family]]\nname='a'\nclass='B'\ncolour='red'", "[[choice]]\nfamily='none'",
        "[[choice]]\nexperts='many'", "[shared]\na=1", "[shared.a]\nclass='B'", "other=1",
        "[[family]]\nname='a'\nclass='B'\ntensors=['a']", "[[family]]\nname=1\nclass='B'",
        "[shared.a]\nlike=['a']\n[[family]]\nname='a'\nclass='B'\nlike=['a']"}) {
    INFO(text);
    const auto tables = gguf::read_name_tables({{"x.toml", text}});
    REQUIRE_FALSE(tables);
    CHECK(tables.error().code() == ErrorCode::invalid_config);
    CHECK(tables.error().file() == "x.toml");
  }
}

TEST_CASE("a list of one file may be like one of another, and what stands first counts") {
  const auto tables = gguf::read_name_tables(
      {{"a",
        "[[family]]\nname='f'\nclass='F'\nlike=['l']\ntensors=['x -> own']\n"
        "[family.config]\nk='own'"},
       {"b",
        "[shared.l]\ntensors=['x -> shared', 'y -> z']\n[shared.l.config]\nk='shared'\nj='j'"}});
  REQUIRE(tables);
  const gguf::Family& family = tables->families.at(0);
  CHECK(family.model_type == "f");
  CHECK(family.config ==
        std::vector<std::pair<std::string, std::string>>{{"j", "j"}, {"k", "own"}});
  const gguf::HubNames names(family, {"x.weight", "y.bias"});
  CHECK(names.of("x.weight").name == "own.weight");
  CHECK(names.of("y.bias").name == "z.bias");
  CHECK(names.of("y.scale").fate == gguf::HubName::Fate::unknown);
}

TEST_CASE("the architecture tells the family") {
  for (const auto& [architecture, family] :
       std::initializer_list<std::pair<const char*, const char*>>{{"llama", "llama"},
                                                                  {"mistral", "mistral"},
                                                                  {"qwen2", "qwen2"},
                                                                  {"qwen2moe", "qwen2_moe"},
                                                                  {"qwen3", "qwen3"},
                                                                  {"qwen3moe", "qwen3_moe"},
                                                                  {"gpt-oss", "gpt_oss"},
                                                                  {"lfm2", "lfm2"},
                                                                  {"falcon", "falcon"},
                                                                  {"phi3", "phi3"},
                                                                  {"bloom", "bloom"},
                                                                  {"t5", "t5"},
                                                                  {"t5encoder", "t5_encoder"},
                                                                  {"umt5", "umt5"},
                                                                  {"stablelm", "stablelm"},
                                                                  {"gpt2", "gpt2"},
                                                                  {"starcoder2", "starcoder2"},
                                                                  {"mamba", "mamba"},
                                                                  {"nemotron", "nemotron"},
                                                                  {"gemma2", "gemma2"},
                                                                  {"gemma3", "gemma3"},
                                                                  {"gemma4", "gemma4"},
                                                                  {"deci", "deci"},
                                                                  {"minimax-m2", "minimax_m2"}}) {
    CHECK(family_name(metadata_of(architecture, "Some model")) == family);
  }
}

TEST_CASE("where the architecture does not tell the family, the name or the experts do") {
  CHECK(family_name(metadata_of("llama", "mistral")) == "mistral");
  CHECK(family_name(metadata_of("llama", "Mistral 7B")) == "llama");
  CHECK(family_name(metadata_of("t5", "Google UMT5 small")) == "umt5");
  CHECK(family_name(metadata_of("t5encoder", "umt5-xxl")) == "umt5_encoder");
  io::GgufMetadata metadata = metadata_of("llama", "");
  metadata.set("llama.expert_count", io::GgufValue::of(std::uint32_t{0}));
  CHECK(family_name(metadata) == "llama");
  metadata.set("llama.expert_count", io::GgufValue::of(std::uint32_t{8}));
  CHECK(family_name(metadata) == "mixtral");
}

TEST_CASE("an architecture without a table is refused, with what can be done instead") {
  const auto tables = gguf::shipped_name_tables();
  REQUIRE(tables);
  const auto family = gguf::family_of(*tables, metadata_of("rwkv7", ""), "FILE");
  REQUIRE_FALSE(family);
  CHECK(family.error().code() == ErrorCode::unsupported);
  CHECK(family.error().file() == "FILE");
  CHECK(family.error().reason().find("'rwkv7'") != std::string::npos);
  CHECK(family.error().reason().find("--layout gguf") != std::string::npos);
  CHECK(gguf::family_of(*tables, {}, "FILE").error().code() == ErrorCode::malformed);
}

TEST_CASE("numbers of layers and experts go over as they are written") {
  const auto tables = gguf::shipped_name_tables();
  REQUIRE(tables);
  const gguf::HubNames names(*tables->family("mixtral"), {});
  const gguf::HubName old = names.of("blk.31.ffn_up.07.weight");
  CHECK(old.name == "model.layers.31.block_sparse_moe.experts.07.w3.weight");
  CHECK_FALSE(old.in_parts);
  CHECK(old.layer == 31);
  const gguf::HubName stacked = names.of("blk.31.ffn_up_exps.weight");
  CHECK(stacked.name == "model.layers.31.block_sparse_moe.experts.");
  CHECK(stacked.in_parts);
  CHECK(stacked.rest == ".w3.weight");
  CHECK(names.of("blk.ffn_up.weight").fate == gguf::HubName::Fate::unknown);
  CHECK(names.of("blk.99999999999999999999.ffn_norm.weight").layer == std::nullopt);
}
