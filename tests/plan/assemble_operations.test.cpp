#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assembled.hpp"
#include "catch.hpp"
#include "plan/assemble.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using namespace plimsoll::plan::test;

namespace {

using Bytes = std::vector<int>;

/// Consecutive bytes from `first` on.
Dense counted(io::Shape shape, int first) {
  Dense out{Dtype::u8, std::move(shape), {}};
  for (std::uint64_t i = 0; i < io::element_count(out.shape); ++i) {
    out.bytes.push_back(static_cast<std::byte>(first + static_cast<int>(i)));
  }
  return out;
}

Dense listed(io::Shape shape, const Bytes& values) {
  Dense out{Dtype::u8, std::move(shape), {}};
  for (int value : values) out.bytes.push_back(static_cast<std::byte>(value));
  return out;
}

using Tensors = std::map<std::string, Dense>;

/// Assembles tensors by rules of the test's own.
struct Example {
  std::string rules;
  Tensors tensors;
  std::string config = "{}";

  [[nodiscard]] Checkpoint checkpoint() const {
    config::HfConfig facts = config::parse_hf_config(config, "config.json").value();
    facts.architecture = std::string("C");
    return checkpoint_of(tensors, facts);
  }

  [[nodiscard]] Expected<Assembly> assembled(
      TargetLayout layout, const std::vector<ExpectedTensor>* expected = {}) const {
    rules::RuleSet set;
    const auto added = set.add_text("[rules.c]\nlist = ['''" + rules +
                                        "''']\n[[architectures.c]]\nclasses = [\"C\"]\n"
                                        "rules = [\"c\"]\n",
                                    "c.toml");
    REQUIRE(added.has_value());
    const Checkpoint source = checkpoint();
    return assemble(
        source.catalogue, set, source.config, layout,
        expected ? std::optional(std::span<const ExpectedTensor>(*expected)) : std::nullopt);
  }

  [[nodiscard]] Tensors result(TargetLayout layout = TargetLayout::transformers,
                               const std::vector<ExpectedTensor>* expected = {}) const {
    const Expected<Assembly> assembly = assembled(layout, expected);
    INFO((assembly ? "" : assembly.error().what()));
    REQUIRE(assembly.has_value());
    return made(checkpoint(), assembly->blueprints);
  }
};

const std::string merge =
    "e.*.g.weight e.*.u.weight -> e.gu by merge_modulelist(dim=0) "
    "concatenate(dim=1)";

Tensors four_experts() {
  return {{"e.0.g.weight", counted({1, 2}, 0)},
          {"e.1.g.weight", counted({1, 2}, 2)},
          {"e.0.u.weight", counted({1, 2}, 10)},
          {"e.1.u.weight", counted({1, 2}, 12)}};
}

}  // namespace

TEST_CASE("experts are stacked and joined, gate before up") {
  const Example example{merge, four_experts()};
  CHECK(example.result() == Tensors{{"e.gu", listed({2, 2, 2}, {0, 1, 10, 11, 2, 3, 12, 13})}});
}

TEST_CASE("a tensor that is stacked already passes the stacking") {
  const Example example{"g w -> gw by merge_modulelist(dim=0) concatenate(dim=1)",
                        {{"g", counted({2, 1, 2}, 0)}, {"w", counted({2, 1, 2}, 10)}}};
  CHECK(example.result() == Tensors{{"gw", listed({2, 2, 2}, {0, 1, 10, 11, 2, 3, 12, 13})}});
}

TEST_CASE("each operation does to bytes what it says") {
  struct Case {
    std::string rule;
    io::Shape shape;
    Tensors wanted;
    std::string config = "{}";
  };
  const std::vector<Case> cases = {
      {"t -> a b by chunk(dim=0)", {4}, {{"a", counted({2}, 0)}, {"b", counted({2}, 2)}}},
      {"t -> a b by chunk(dim=1)",
       {2, 2},
       {{"a", listed({2, 1}, {0, 2})}, {"b", listed({2, 1}, {1, 3})}}},
      {"t -> q_proj k_proj v_proj by split(dim=0)",
       {8},
       {{"q_proj", counted({4}, 0)}, {"k_proj", counted({2}, 4)}, {"v_proj", counted({2}, 6)}},
       R"({"text_config": {"num_attention_heads": 2, "num_key_value_heads": 1}})"},
      {"t -> x by transpose(dim0=0,dim1=1)", {2, 3}, {{"x", listed({3, 2}, {0, 3, 1, 4, 2, 5})}}},
      {"t -> gate_up_proj by transpose(dim0=1,dim1=2,if_shape_differs)",
       {1, 3, 2},
       {{"gate_up_proj", listed({1, 2, 3}, {0, 2, 4, 1, 3, 5})}},
       R"({"hidden_size": 3, "moe_intermediate_size": 1})"},
      {"t -> gate_up_proj by transpose(dim0=1,dim1=2,if_shape_differs)",
       {1, 2, 3},
       {{"gate_up_proj", counted({1, 2, 3}, 0)}},
       R"({"hidden_size": 3, "moe_intermediate_size": 1})"},
      {"t -> gate_up_proj by transpose(dim0=1,dim1=2,if_shape_differs)",
       {1, 2, 2},
       {{"gate_up_proj", counted({1, 2, 2}, 0)}},
       R"({"hidden_size": 2, "moe_intermediate_size": 1})"},
      {"t -> x by interleave(dim=0)", {6}, {{"x", listed({6}, {0, 2, 4, 1, 3, 5})}}},
      {"t -> x by interleave(dim=0,inverse)", {6}, {{"x", listed({6}, {0, 3, 1, 4, 2, 5})}}},
      {"t -> x by permute_for_rope(config=vision_config)",
       {8},
       {{"x", listed({8}, {0, 2, 1, 3, 4, 6, 5, 7})}},
       R"({"num_attention_heads": 1, "vision_config": {"num_attention_heads": 2}})"},
      {"t -> x by permute_for_rope(config=vision_config)",
       {4, 1},
       {{"x", listed({4, 1}, {0, 2, 1, 3})}},
       R"({"num_attention_heads": 1})"},
      {"t -> q v by chunk(dim=0) permute_for_rope(only=q)",
       {8},
       {{"q", listed({4}, {0, 2, 1, 3})}, {"v", counted({4}, 4)}},
       R"({"num_attention_heads": 1})"},
      {"t -> x by conv3d_to_linear(in_channels=1,kernel=1x2x1)",
       {2, 1, 1, 2, 1},
       {{"x", counted({2, 2}, 0)}}},
      {"t -> x by conv3d_to_linear(in_channels=1,kernel=1x2x1)",
       {2, 2},
       {{"x", counted({2, 2}, 0)}}},
      {"t -> x by linear_to_conv3d(in_channels=1,kernel=1x2x1)",
       {2, 2},
       {{"x", counted({2, 1, 1, 2, 1}, 0)}}},
  };
  for (const Case& each : cases) {
    INFO(each.rule << ", shape " << views::text_of(each.shape));
    const Example example{each.rule, {{"t", counted(each.shape, 0)}}, each.config};
    CHECK(example.result() == each.wanted);
  }
}

TEST_CASE("the first half of a list of experts goes to one tensor, the second to another") {
  const Example example{"e.*.g e.*.u -> t.gu v.gu by ernie_fuse_and_split(stack=0,concatenate=1)",
                        {{"e.0.g", counted({1, 2}, 0)},
                         {"e.1.g", counted({2, 2}, 2)},
                         {"e.0.u", counted({1, 2}, 10)},
                         {"e.1.u", counted({2, 2}, 12)}}};
  // Shapes differ between the halves, as text and vision experts do.
  CHECK(example.result() == Tensors{{"t.gu", listed({1, 2, 2}, {0, 1, 10, 11})},
                                    {"v.gu", listed({1, 4, 2}, {2, 3, 4, 5, 12, 13, 14, 15})}});
}

TEST_CASE("the model's own shapes come before those that config.json tells") {
  const std::vector<ExpectedTensor> split = {
      {"a", Dtype::u8, {1}}, {"b", Dtype::u8, {3}}, {"unused", Dtype::u8, {1}}};
  const Example parts{"t -> a b by split(dim=0)", {{"t", counted({4}, 0)}}};
  CHECK(parts.result(TargetLayout::transformers, &split) ==
        Tensors{{"a", counted({1}, 0)}, {"b", counted({3}, 1)}});
  const std::vector<ExpectedTensor> turned = {{"x", Dtype::u8, {3, 2}}};
  const Example either{"t -> x by transpose(dim0=0,dim1=1,if_shape_differs)",
                       {{"t", counted({2, 3}, 0)}}};
  CHECK(either.result(TargetLayout::transformers, &turned) ==
        Tensors{{"x", listed({3, 2}, {0, 3, 1, 4, 2, 5})}});
  const std::vector<ExpectedTensor> same = {{"x", Dtype::u8, {2, 3}}};
  CHECK(either.result(TargetLayout::transformers, &same) == Tensors{{"x", counted({2, 3}, 0)}});
}

TEST_CASE("numbered parts that a field of config.json counts are made again on the way back") {
  const std::string rules = merge + "''', '''n.s_*.w -> n.w by concatenate(dim=0,parts=pieces)";
  Tensors tensors = four_experts();
  tensors["n.s_0.w"] = counted({2}, 20);
  tensors["n.s_1.w"] = counted({2}, 22);
  const Example there{rules, tensors, R"({"pieces": 2})"};
  const Tensors merged = there.result();
  CHECK(merged.size() == 2);
  CHECK(merged.at("n.w") == counted({4}, 20));
  CHECK(Example{rules, merged, R"({"pieces": 2})"}.result(TargetLayout::hub) == tensors);
  const auto unknown = Example{rules, merged}.assembled(TargetLayout::hub);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code() == ErrorCode::unsupported);
  CHECK(unknown.error().reason().find("pieces") != std::string::npos);
}

TEST_CASE("only stacked tensors that no rule has a use for are taken apart") {
  Tensors merged = {{"e.gu", counted({2, 2, 2}, 0)}, {"other", counted({2}, 0)}};
  CHECK(Example{merge, merged}.result(TargetLayout::hub).size() == 5);
  // A matrix of that name is no stack of experts.
  const Tensors flat = {{"e.gu", counted({2, 2}, 0)}};
  CHECK(Example{merge, flat}.result(TargetLayout::hub) == flat);
  // A rule of the way in has a use for it, so the name is a checkpoint's.
  const Tensors published = {{"e.gu", counted({1, 2, 2}, 0)}};
  CHECK(Example{merge + "''', '''e.gu -> e.gu by transpose(dim0=1,dim1=2)", published}.result(
            TargetLayout::hub) == published);
  // Experts that are not merged stay beside merged ones.
  merged = four_experts();
  merged["f.e.gu"] = counted({1, 2, 2}, 0);
  Tensors both = four_experts();
  both["f.e.0.g.weight"] = counted({1, 2}, 0);
  both["f.e.0.u.weight"] = counted({1, 2}, 2);
  CHECK(Example{merge, merged}.result(TargetLayout::hub) == both);
}

TEST_CASE("what cannot be put together is refused with file and tensor") {
  struct Case {
    std::string rule;
    Tensors tensors;
    ErrorCode code;
    std::string tensor;
    std::string reason;
  };
  const auto changed = [](const std::string& name, std::optional<Dense> dense) {
    Tensors tensors = four_experts();
    tensors.erase(name);
    if (dense) tensors[name] = *dense;
    return tensors;
  };
  Dense floats = counted({1, 2}, 0);
  floats.dtype = Dtype::i8;
  Tensors nibbles = {{"a", counted({2}, 0)}, {"b", counted({2}, 0)}};
  for (auto& [name, dense] : nibbles) dense.dtype = Dtype::f4_e2m1, dense.shape = {4};
  Tensors gap = four_experts();
  gap["e.3.g.weight"] = gap["e.3.u.weight"] = counted({1, 2}, 0);
  Tensors twice = four_experts();
  twice["e.01.g.weight"] = counted({1, 2}, 0);
  const std::vector<Case> cases = {
      {merge, changed("e.1.u.weight", counted({1, 3}, 0)), ErrorCode::malformed, "e.1.u.weight",
       "shape [1, 3] where e.0.u.weight"},
      {merge, changed("e.1.g.weight", floats), ErrorCode::malformed, "e.1.g.weight", "dtype I8"},
      {merge, changed("e.1.u.weight", std::nullopt), ErrorCode::malformed, "e.gu",
       "number 1 of e.*.u.weight is not there"},
      {merge, gap, ErrorCode::malformed, "e.gu", "number 2"},
      {merge, twice, ErrorCode::malformed, "e.gu", "not the only tensor of its place"},
      {"x -> y",
       {{"x", counted({1}, 0)}, {"y", counted({1}, 0)}},
       ErrorCode::malformed,
       "y",
       "both become this tensor"},
      {"t -> a b by chunk(dim=0)",
       {{"t", counted({3}, 0)}},
       ErrorCode::malformed,
       "a",
       "no 2 equal parts"},
      {"t -> a by transpose(dim0=0,dim1=1)",
       {{"t", counted({3}, 0)}},
       ErrorCode::malformed,
       "a",
       "no dimension 1"},
      {"t -> a b by split(dim=0)",
       {{"t", counted({3}, 0)}},
       ErrorCode::unsupported,
       "a",
       "a list of the model's tensors would"},
      {"t -> q by permute_for_rope(config=vision_config)",
       {{"t", counted({4}, 0)}},
       ErrorCode::unsupported,
       "q",
       "num_attention_heads"},
      {"t -> x.down_proj by transpose(dim0=0,dim1=1,if_shape_differs)",
       {{"t", counted({4, 1}, 0)}},
       ErrorCode::unsupported,
       "x.down_proj",
       "hidden_size"},
      {"a b -> c by concatenate(dim=0)", nibbles, ErrorCode::unsupported, "a", "F4"},
  };
  for (const Case& each : cases) {
    INFO(each.rule << ": " << each.reason);
    const auto assembly = Example{each.rule, each.tensors}.assembled(TargetLayout::transformers);
    REQUIRE_FALSE(assembly.has_value());
    INFO(assembly.error().what());
    CHECK(assembly.error().code() == each.code);
    CHECK(assembly.error().tensor() == each.tensor);
    CHECK(assembly.error().file() == "made.safetensors");
    CHECK(assembly.error().reason().find(each.reason) != std::string::npos);
  }
}
