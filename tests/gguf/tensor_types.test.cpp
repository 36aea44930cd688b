#include "gguf/tensor_types.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "../io/mentions.hpp"
#include "catch.hpp"

using namespace plimsoll;
using namespace plimsoll::gguf;
using codecs::ggml::Type;
using Reach = TypeOptions::Reach;

namespace {

io::GgufMetadata metadata_of(std::string_view architecture, std::uint32_t layers,
                             std::uint32_t experts = 0) {
  const std::string prefix = std::string(architecture) + '.';
  io::GgufMetadata metadata;
  metadata.append("general.architecture", io::GgufValue::of(architecture));
  metadata.append(prefix + "block_count", io::GgufValue::of(layers));
  metadata.append(prefix + "expert_count", io::GgufValue::of(experts));
  return metadata;
}

const io::GgufMetadata small = metadata_of("llama", 4);

io::GgufStoredTensor tensor(std::string name, io::Shape shape = {512, 256}, Type type = Type::f16) {
  return {std::move(name), type, std::move(shape)};
}

Expected<TensorChoices> choose(const TypeTarget& target,
                               const std::vector<io::GgufStoredTensor>& tensors,
                               const TypeOptions& options = {},
                               const io::GgufMetadata& metadata = small) {
  return choose_tensor_types(target, metadata, tensors, options, "m.gguf");
}

std::vector<Type> types(const TypeTarget& target, const std::vector<io::GgufStoredTensor>& tensors,
                        const TypeOptions& options = {}, const io::GgufMetadata& metadata = small) {
  const auto choices = choose(target, tensors, options, metadata);
  if (!choices) FAIL(choices.error().what());
  std::vector<Type> out;
  for (const TensorChoice& choice : choices->tensors) out.push_back(choice.type);
  return out;
}

void check_refused(const Expected<TensorChoices>& choices, ErrorCode code, const std::string& name,
                   const std::string& reason) {
  REQUIRE_FALSE(choices.has_value());
  CHECK(choices.error().code() == code);
  CHECK(choices.error().file() == "m.gguf");
  CHECK(choices.error().tensor() == name);
  CHECK_MENTIONS(choices.error().reason(), reason);
}

std::vector<TypeOverride> overrides(std::initializer_list<std::pair<const char*, Type>> pairs) {
  std::vector<TypeOverride> out;
  for (const auto& [text, type] : pairs) {
    out.push_back({config::Pattern::compile(text).value(), type});
  }
  return out;
}

const std::vector<io::GgufStoredTensor> some = {
    tensor("output.weight"), tensor("token_embd.weight"),
    tensor("blk.0.attn_norm.weight", {256}, Type::f32), tensor("blk.0.attn_q.weight")};

}  // namespace

TEST_CASE("a copy changes no type and needs no metadata") {
  const auto choices = choose(Ftype::copy, {tensor("a.weight", {4, 100}, Type::i32)}, {}, {});
  REQUIRE(choices.has_value());
  CHECK(choices->tensors[0].type == Type::i32);
  CHECK(choices->tensors[0].is_copied);
}

TEST_CASE("what has its type already is copied, even from a quantized file") {
  const auto choices = choose(Ftype::q8_0, {tensor("blk.0.attn_q.weight", {512, 256}, Type::q8_0),
                                            tensor("blk.0.attn_k.weight", {512, 256}, Type::q4_k)});
  REQUIRE(choices.has_value());
  CHECK(choices->tensors[0].is_copied);
  CHECK_FALSE(choices->tensors[1].is_copied);
  CHECK(choices->tensors[1].type == Type::q8_0);
}

TEST_CASE("casts and pure targets give one type to all that is quantized") {
  using enum Type;
  CHECK(types(Ftype::bf16, some) == std::vector{bf16, bf16, f32, bf16});
  CHECK(types(Ftype::q3_k_m, some, {.pure = true}) == std::vector{q3_k, q3_k, f32, q3_k});
  CHECK(types(Ftype::q3_k_m, some) == std::vector{q6_k, q3_k, f32, q3_k});
}

TEST_CASE("a type as target is given to all that is quantized, without metadata") {
  using enum Type;
  CHECK(types(nvfp4, some, {}, {}) == std::vector{nvfp4, nvfp4, f32, nvfp4});
  const auto choices = choose(q4_k, {tensor("a.weight", {2, 96})}, {}, {});
  REQUIRE(choices.has_value());
  CHECK(choices->tensors[0].type == q5_0);
  CHECK(choices->warnings.size() == 1);
}

TEST_CASE("an output head can be left alone, or have a type of its own as embeddings can") {
  using enum Type;
  CHECK(types(Ftype::q8_0, some, {.leaves_output = true}) == std::vector{f16, q8_0, f32, q8_0});
  CHECK(types(Ftype::q8_0, some, {.output_type = q4_0, .token_embedding_type = q5_0}) ==
        std::vector{q4_0, q5_0, f32, q8_0});
  CHECK(types(Ftype::f16, some, {.output_type = q4_0}) == std::vector{q4_0, f16, f32, f16});
}

TEST_CASE("types by count follow the order of the tensors that were quantized") {
  using enum Type;
  std::vector<io::GgufStoredTensor> tensors;
  for (const int layer : {3, 2, 1, 0}) {
    tensors.push_back(tensor("blk." + std::to_string(layer) + ".attn_v.weight"));
  }
  CHECK(types(Ftype::q3_k_m, tensors) == std::vector{q5_k, q5_k, q4_k, q4_k});
  const auto first = overrides({{"blk\\.3", q8_0}});
  CHECK(types(Ftype::q3_k_m, tensors, {.overrides = first}) == std::vector{q8_0, q5_k, q5_k, q4_k});
  tensors[0].shape = {256};
  CHECK(types(Ftype::q3_k_m, tensors) == std::vector{f16, q5_k, q5_k, q4_k});
}

TEST_CASE("rows that are no whole blocks fall back to smaller blocks, then to F16") {
  using enum Type;
  const auto narrow = [](std::uint64_t row) {
    return std::vector{tensor("output.weight"), tensor("a.weight", {2, row})};
  };
  struct Case {
    Ftype ftype;
    Type type;
  };
  for (const Case& example : {Case{Ftype::q4_k_s, q5_0},
                              {Ftype::q5_k_s, q5_1},
                              {Ftype::q6_k, q8_0},
                              {Ftype::q3_k_s, q4_0},
                              {Ftype::q2_k, q4_0},
                              {Ftype::tq1_0, q4_0},
                              {Ftype::tq2_0, q4_0},
                              {Ftype::iq4_xs, iq4_nl},
                              {Ftype::iq3_s, iq4_nl},
                              {Ftype::iq3_xxs, iq4_nl},
                              {Ftype::iq2_xxs, iq4_nl},
                              {Ftype::iq1_s, iq4_nl},
                              {Ftype::iq1_m, iq4_nl}}) {
    INFO(traits_of(example.ftype).name);
    CHECK(types(example.ftype, narrow(96))[1] == example.type);
    CHECK(types(example.ftype, narrow(100))[1] == f16);
  }
  const auto choices = choose(Ftype::q4_k_s, narrow(96));
  REQUIRE(choices.has_value());
  CHECK(choices->warnings ==
        std::vector<std::string>{
            "a.weight: rows of 96 elements are no whole blocks of q4_K (256); it becomes q5_0"});
}

TEST_CASE("warnings are one line each, whatever the names are") {
  const auto choices = choose(Ftype::q4_k_s, {tensor("a\nb.weight", {2, 96})});
  REQUIRE(choices.has_value());
  REQUIRE(choices->warnings.size() == 1);
  CHECK_MENTIONS(choices->warnings[0], "a\\x0ab.weight: rows");
}

TEST_CASE("rows that fit no type are refused") {
  check_refused(choose(Ftype::q8_0, {tensor("a.weight", {2, 100})}), ErrorCode::unsupported,
                "a.weight", "rows of 100 elements are no whole blocks of q8_0 (32)");
  check_refused(choose(Ftype::q4_k_m, {tensor("a.weight", {2, 96})}, {.pure = true}),
                ErrorCode::unsupported, "a.weight", "rows of 96 elements");
  check_refused(choose(Ftype::q4_k_m, {tensor("token_embd.weight", {2, 96})},
                       {.token_embedding_type = Type::q4_k}),
                ErrorCode::unsupported, "token_embd.weight", "rows of 96 elements");
}

TEST_CASE("overrides reach what a mixture decides, and the first with another type counts") {
  using enum Type;
  const auto wide = overrides({{"attn_q", q4_k}, {"attn", q6_k}, {"weight", q8_0}});
  CHECK(types(Ftype::q4_k_m, some, {.overrides = wide}) == std::vector{q8_0, q8_0, f32, q6_k});
  CHECK(types(Ftype::q4_k_m, some, {.pure = true, .overrides = wide}) ==
        std::vector{q4_k, q4_k, f32, q4_k});
  CHECK(types(Ftype::f16, some, {.overrides = wide}) == std::vector{f16, f16, f32, f16});
  CHECK(types(Ftype::q4_k_m, some, {.output_type = q5_0, .overrides = wide}) ==
        std::vector{q5_0, q8_0, f32, q6_k});
}

TEST_CASE("overrides that reach every tensor come before everything else") {
  using enum Type;
  const auto wide = overrides({{"attn_q", q4_k}, {"norm", q8_0}, {"output", f32}});
  for (const TypeTarget& target : {TypeTarget(Ftype::q4_k_m), TypeTarget(Ftype::f16),
                                   TypeTarget(Ftype::copy), TypeTarget(Type::q2_0)}) {
    const auto made = types(target, some,
                            {.pure = true,
                             .leaves_output = true,
                             .output_type = q5_0,
                             .overrides = wide,
                             .reach = Reach::every_tensor});
    CHECK(made[0] == f32);
    CHECK(made[2] == q8_0);
    CHECK(made[3] == q4_k);
  }
  const auto tight = overrides({{"a", q4_k}});
  CHECK(types(Ftype::copy, {tensor("a", {96})},
              {.overrides = tight, .reach = Reach::every_tensor}) == std::vector{q5_0});
}

TEST_CASE("blocks where no mixture makes any are one warning for all tensors") {
  const std::vector<io::GgufStoredTensor> layers = {
      tensor("blk.0.attn_norm.weight", {256}, Type::f32), tensor("blk.0.attn_q.weight"),
      tensor("blk.1.attn_norm.weight", {256}, Type::f32)};
  const auto norms = overrides({{"norm", Type::q8_0}});
  const auto dared =
      choose(Ftype::q4_k_m, layers, {.overrides = norms, .reach = Reach::every_tensor});
  REQUIRE(dared.has_value());
  REQUIRE(dared->warnings.size() == 1);
  CHECK(dared->warnings[0].starts_with("blk.0.attn_norm.weight and 1 more tensors get blocks"));
  for (const auto& [pattern, type] : {std::pair("attn_q", Type::q8_0), std::pair("norm", Type::f16),
                                      std::pair("norm", Type::f32)}) {
    const auto usual = overrides({{pattern, type}});
    const auto choices =
        choose(Ftype::q4_k_m, layers, {.overrides = usual, .reach = Reach::every_tensor});
    REQUIRE(choices.has_value());
    CHECK(choices->warnings.empty());
  }
}

TEST_CASE("types that nothing can be made of, and numbers that are no floats, are refused") {
  const auto integers = overrides({{"attn_q", Type::i32}});
  check_refused(choose(Ftype::q4_k_m, some, {.overrides = integers}), ErrorCode::invalid_argument,
                "blk.0.attn_q.weight", "i32");
  check_refused(choose(Ftype::f16, {tensor("a.weight", {2, 256}, Type::i64)}),
                ErrorCode::unsupported, "a.weight", "i64");
}

TEST_CASE("types of about two bits need an importance matrix that has the tensor") {
  const std::vector<io::GgufStoredTensor> two = {tensor("output.weight"), tensor("a.weight"),
                                                 tensor("b.weight")};
  check_refused(choose(Ftype::iq2_xxs, two), ErrorCode::invalid_argument, "a.weight",
                "needs an importance matrix");
  io::ImportanceMatrix matrix;
  matrix.tensors.push_back({"a.weight", std::vector<float>(256, 1.F)});
  check_refused(choose(Ftype::iq2_xxs, two, {.importance = &matrix}), ErrorCode::invalid_argument,
                "b.weight", "lacks it");
  matrix.tensors.push_back({"b.weight", std::vector<float>(256, 2.F)});
  const auto choices = choose(Ftype::iq2_xxs, two, {.importance = &matrix});
  REQUIRE(choices.has_value());
  CHECK(choices->tensors[0].importance.empty());
  CHECK(choices->tensors[1].importance.data() == matrix.tensors[0].weights.data());
  CHECK(choices->tensors[2].importance[255] == 2.F);
}

TEST_CASE("a type asked for by name needs an importance matrix only if its quantizer does") {
  for (const Type type : {Type::iq1_m, Type::iq2_s, Type::iq3_xxs, Type::iq2_xxs, Type::iq1_s}) {
    const auto asked = overrides({{"attn_q", type}});
    const auto choices =
        choose(Ftype::q4_k_m, some, {.overrides = asked, .reach = Reach::every_tensor});
    INFO(codecs::ggml::traits_of(type).name);
    const bool needs = codecs::ggml::traits_of(type).importance == codecs::ggml::Importance::needed;
    CHECK(choices.has_value() == !needs);
    if (choices) CHECK(choices->tensors[3].type == type);
  }
}

TEST_CASE("Q2_K needs an importance matrix only as Q2_K_S") {
  const std::vector<io::GgufStoredTensor> two = {tensor("output.weight"), tensor("a.weight")};
  CHECK(types(Ftype::q2_k, two)[1] == Type::q2_k);
  check_refused(choose(Ftype::q2_k_s, two), ErrorCode::invalid_argument, "a.weight", "q2_K");
}

TEST_CASE("embeddings need importance only where the quantizer cannot do without") {
  const std::vector<io::GgufStoredTensor> two = {tensor("output.weight"),
                                                 tensor("token_embd.weight")};
  using enum Type;
  CHECK(types(Ftype::q4_k_m, two, {.token_embedding_type = iq3_xxs})[1] == iq3_xxs);
  check_refused(choose(Ftype::q4_k_m, two, {.token_embedding_type = iq2_xxs}),
                ErrorCode::invalid_argument, "token_embd.weight", "iq2_xxs");
}

TEST_CASE("a number of weights that is not the tensor's is refused, of embeddings ignored") {
  io::ImportanceMatrix matrix;
  matrix.tensors.push_back({"blk.0.ffn_up_exps.weight", std::vector<float>(256, 1.F)});
  matrix.tensors.push_back({"token_embd.weight", std::vector<float>(3, 1.F)});
  const TypeOptions options{.importance = &matrix};
  const io::GgufStoredTensor merged = tensor("blk.0.ffn_up_exps.weight", {4, 2, 256});
  check_refused(choose(Ftype::q8_0, {merged}, options), ErrorCode::invalid_argument, merged.name,
                "256 weights for it, not 1024");
  const auto choices = choose(Ftype::q8_0, {tensor("token_embd.weight")}, options);
  REQUIRE(choices.has_value());
  CHECK(choices->tensors[0].importance.empty());
  REQUIRE(choices->warnings.size() == 1);
  CHECK_MENTIONS(choices->warnings[0], "token_embd.weight: the importance matrix has 3 weights");
  matrix.tensors[0].weights.resize(1024);
  const auto fitting = choose(Ftype::q8_0, {merged}, options);
  REQUIRE(fitting.has_value());
  CHECK(fitting->tensors[0].importance.size() == 1024);
}

TEST_CASE("weights that a quantizer would have used, and does not find, are missed aloud") {
  io::ImportanceMatrix matrix;
  matrix.tensors.push_back({"b.weight", std::vector<float>(256, 1.F)});
  const std::vector<io::GgufStoredTensor> three = {tensor("output.weight"), tensor("a.weight"),
                                                   tensor("b.weight")};
  const auto choices = choose(Ftype::q4_k_s, three, {.importance = &matrix});
  REQUIRE(choices.has_value());
  CHECK(choices->warnings ==
        std::vector<std::string>{
            "a.weight: the importance matrix lacks it; it is quantized without"});
  const auto ignoring = choose(Ftype::q8_0, three, {.importance = &matrix});
  REQUIRE(ignoring.has_value());
  CHECK(ignoring->warnings.empty());
}

TEST_CASE("MXFP4 is for merged experts, not for a tensor of one") {
  using enum Type;
  CHECK(types(Ftype::mxfp4_moe,
              {tensor("token_embd.weight"), tensor("a.weight", {2, 4, 256}),
               tensor("b.weight", {1, 4, 256}), tensor("c.weight", {2, 1, 4, 256})}) ==
        std::vector{q8_0, mxfp4, q8_0, q8_0});
}

TEST_CASE("with experts the layer is read from names, which have to tell it") {
  const io::GgufMetadata moe = metadata_of("llama", 16, 4);
  using enum Type;
  const std::vector<io::GgufStoredTensor> mixed = {tensor("blk.15.ffn_down.0.weight"),
                                                   tensor("blk.1.ffn_down.0.weight"),
                                                   tensor("blk.5.ffn_down.0.weight")};
  CHECK(types(Ftype::q4_k_s, mixed, {}, moe) == std::vector{q4_k, q5_k, q4_k});
  for (const char* name : {"ffn_down.weight", "blk.x.ffn_down.weight", "blk.16.ffn_up.weight",
                           "blk.99999999999999999999.ffn_gate.weight"}) {
    check_refused(choose(Ftype::q4_k_s, {tensor(name)}, {}, moe), ErrorCode::unsupported, name,
                  "16 layers");
  }
}

TEST_CASE("one expert is none, and names need not tell layers") {
  const std::vector<io::GgufStoredTensor> unnamed = {tensor("ffn_down.weight")};
  CHECK(types(Ftype::q4_k_s, unnamed, {}, metadata_of("llama", 16, 1)) == std::vector{Type::q5_k});
}

TEST_CASE("a mixture needs to know the model") {
  check_refused(choose(Ftype::q4_k_m, some, {}, {}), ErrorCode::malformed, "",
                "general.architecture");
}
