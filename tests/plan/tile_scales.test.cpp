#include "plan/tile_scales.hpp"

#include <map>
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

using Tensors = std::map<std::string, Dense>;

Dense zeros(Dtype dtype, io::Shape shape, int first = 0) {
  Dense out{dtype, std::move(shape), {}};
  out.bytes.resize(io::element_count(out.shape) * bits_of(dtype) / 8);
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    out.bytes[i] = static_cast<std::byte>((first + static_cast<int>(i)) & 0xff);
  }
  return out;
}

Dense fp8(io::Shape shape, int first = 0) {
  return zeros(Dtype::f8_e4m3, std::move(shape), first);
}
Dense scales(io::Shape shape, int first = 0) {
  return zeros(Dtype::f32, std::move(shape), first);
}

Checkpoint checkpoint(const Tensors& tensors, const std::string& tile = "[2, 4]") {
  const std::string text = R"({"architectures": ["Qwen2MoeForCausalLM"], "dtype": "bfloat16",
      "quantization_config": {"quant_method": "fp8", "weight_block_size": )" +
                           tile + "}}";
  return checkpoint_of(tensors, config::parse_hf_config(text, "config.json").value());
}

Expected<Assembly> assembled(const Checkpoint& source, TargetLayout layout) {
  return assemble(source.catalogue, shipped_rules(), source.config, layout, std::nullopt);
}

std::uint32_t index_of(const Blueprints& blueprints, const std::string& name) {
  for (std::uint32_t i = 0; i < blueprints.tensors.size(); ++i) {
    if (blueprints.tensors[i].name == name) return i;
  }
  FAIL("no tensor " << name);
  return 0;
}

/// One layer's experts, 4 x 4 gates and ups and downs, with scales.
Tensors experts(std::uint64_t inner = 4) {
  Tensors out;
  for (int e = 0; e < 2; ++e) {
    const std::string expert = "model.layers.0.mlp.experts." + std::to_string(e) + ".";
    int first = 50 * e;
    for (const char* name : {"gate_proj", "up_proj", "down_proj"}) {
      const bool down = std::string(name) == "down_proj";
      const io::Shape shape = down ? io::Shape{8, inner} : io::Shape{inner, 8};
      out[expert + name + ".weight"] = fp8(shape, first += 7);
      out[expert + name + ".weight_scale_inv"] =
          scales({(shape[0] + 1) / 2, (shape[1] + 3) / 4}, first += 7);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("scales belong to the FP8 weight of their name") {
  const Tensors tensors = {{"a.weight", fp8({3, 8})},
                           {"a.weight_scale_inv", scales({2, 2})},
                           {"b.weight", fp8({2, 4})},
                           {"b.scale", scales({1, 1})},
                           {"c.weight", fp8({6, 6})},
                           {"c.qscale_weight", scales({})},
                           {"d.gu", fp8({3, 4, 5})},
                           {"d.gu_scale_inv", scales({3, 2, 2})},
                           {"e.weight", fp8({3, 5})},
                           {"f.weight", zeros(Dtype::bf16, {4, 4})},
                           {"f.weight_scale_inv", scales({1})},
                           {"g.scale", scales({7})}};
  const Checkpoint source = checkpoint(tensors);
  const Assembly assembly = assembled(source, TargetLayout::hub).value();
  CHECK(made(source, assembly.blueprints) == tensors);
  const std::map<std::string, std::string> pairs = {{"a.weight", "a.weight_scale_inv"},
                                                    {"b.weight", "b.scale"},
                                                    {"c.weight", "c.qscale_weight"},
                                                    {"d.gu", "d.gu_scale_inv"}};
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < assembly.blueprints.scales.size(); ++i) {
    const auto& each = assembly.blueprints.scales[i];
    if (!each) continue;
    const std::string& weight = source.catalogue.tensors[i].name;
    found[weight] = source.catalogue.tensors[each->tensor].name;
    const bool whole = weight == "c.weight";
    CHECK(each->tile_rows == (whole ? 6u : 2u));
    CHECK(each->tile_columns == (whole ? 6u : 4u));
  }
  CHECK(found == pairs);
  for (const auto& [weight, name] : pairs) {
    const auto& tensor = assembly.blueprints.tensors[index_of(assembly.blueprints, name)];
    CHECK(tensor.scales_of == index_of(assembly.blueprints, weight));
  }
}

TEST_CASE("tiles are 128 wide where config.json does not tell") {
  const Tensors tensors = {{"a.weight", fp8({129, 256})}, {"a.weight_scale_inv", scales({2, 2})}};
  const Checkpoint source = checkpoint(tensors, "null");
  const Assembly assembly = assembled(source, TargetLayout::transformers).value();
  CHECK(assembly.blueprints.scales[0]->tile_rows == 128);
  CHECK(assembly.blueprints.scales[0]->tile_columns == 128);
  CHECK(assembly.blueprints.tensors[1].scales_of == 0u);
  CHECK_FALSE(assembly.blueprints.tensors[0].model_dtype.has_value());
}

TEST_CASE("scales that do not fit their weight are refused") {
  const std::pair<Tensors, ErrorCode> cases[] = {
      {{{"a.weight", fp8({3, 8})}, {"a.weight_scale_inv", scales({2, 3})}}, ErrorCode::malformed},
      {{{"a.weight", fp8({3, 8})}, {"a.weight_scale_inv", scales({2})}}, ErrorCode::malformed},
      {{{"a.weight", fp8({8})}, {"a.weight_scale_inv", scales({1})}}, ErrorCode::malformed},
      {{{"a.w", fp8({2, 4, 8})}, {"a.w_scale_inv", scales({})}}, ErrorCode::malformed},
      {{{"a.weight", fp8({3, 8})},
        {"a.scale", scales({2, 2})},
        {"a.weight_scale_inv", scales({2, 2})}},
       ErrorCode::malformed},
      {{{"a.weight", fp8({3, 8})}, {"a.weight_scale_inv", zeros(Dtype::u8, {2, 2})}},
       ErrorCode::unsupported},
  };
  for (const auto& [tensors, code] : cases) {
    const auto assembly = assembled(checkpoint(tensors), TargetLayout::hub);
    REQUIRE_FALSE(assembly.has_value());
    INFO(assembly.error().what());
    CHECK(assembly.error().code() == code);
    CHECK(assembly.error().tensor().starts_with("a."));
    CHECK(assembly.error().file() == "made.safetensors");
  }
}

TEST_CASE("scales are merged as their weights are, and taken apart again") {
  const Tensors tensors = experts();
  const Checkpoint source = checkpoint(tensors);
  const Assembly there = assembled(source, TargetLayout::transformers).value();
  CHECK(there.lost_scales.empty());
  const Tensors merged = made(source, there.blueprints);
  REQUIRE(merged.size() == 4);
  const std::string below = "model.layers.0.mlp.experts.";
  CHECK(merged.at(below + "gate_up_proj").shape == io::Shape{2, 8, 8});
  CHECK(merged.at(below + "gate_up_proj_scale_inv").shape == io::Shape{2, 4, 2});
  CHECK(merged.at(below + "down_proj_scale_inv").shape == io::Shape{2, 4, 1});
  CHECK(there.blueprints.tensors[index_of(there.blueprints, below + "gate_up_proj_scale_inv")]
            .scales_of == index_of(there.blueprints, below + "gate_up_proj"));
  std::vector<std::byte> rows;
  for (const char* name : {"0.gate_proj", "0.up_proj", "1.gate_proj", "1.up_proj"}) {
    const Dense& part = tensors.at(below + name + ".weight_scale_inv");
    rows.insert(rows.end(), part.bytes.begin(), part.bytes.end());
  }
  CHECK(merged.at(below + "gate_up_proj_scale_inv").bytes == rows);

  const Checkpoint written = checkpoint(merged);
  const Assembly back = assembled(written, TargetLayout::hub).value();
  CHECK(made(written, back.blueprints) == tensors);
  CHECK(back.blueprints.tensors[index_of(back.blueprints, below + "1.up_proj.weight_scale_inv")]
            .scales_of == index_of(back.blueprints, below + "1.up_proj.weight"));
}

TEST_CASE("scales whose tiles a merge would cut are lost, and the weight tells why") {
  const Checkpoint source = checkpoint(experts(3));
  const Assembly assembly = assembled(source, TargetLayout::transformers).value();
  const std::string below = "model.layers.0.mlp.experts.";
  REQUIRE(assembly.lost_scales.size() == 1);
  CHECK(assembly.lost_scales[0].weight == below + "gate_up_proj");
  CHECK(assembly.lost_scales[0].reason ==
        "a part of 3 along dimension 1 is no whole number of tiles of 2");
  CHECK(assembly.blueprints.tensors.size() == 3);
  CHECK(made(source, assembly.blueprints).contains(below + "down_proj_scale_inv"));
}

TEST_CASE("experts with scales are not merged with one that has none") {
  Tensors tensors = experts();
  tensors.erase("model.layers.0.mlp.experts.1.up_proj.weight_scale_inv");
  const auto assembly = assembled(checkpoint(tensors), TargetLayout::transformers);
  REQUIRE_FALSE(assembly.has_value());
  CHECK(assembly.error().tensor() == "model.layers.0.mlp.experts.1.up_proj.weight");
  CHECK(assembly.error().reason().find("no scales where") == 0);
}
