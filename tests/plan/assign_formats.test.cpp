#include "plan/assign_formats.hpp"

#include <string>
#include <utility>
#include <vector>

#include "catalogue_builder.hpp"
#include "catch.hpp"
#include "views/operations.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

namespace {

constexpr Format keep{};
constexpr Format nf4{FormatKind::nf4};
constexpr Format bf16{FormatKind::bf16};
constexpr Format f32{FormatKind::f32};

NameTest contains(std::string part) {
  return [part = std::move(part)](std::string_view name) -> Expected<bool> {
    return name.find(part) != std::string_view::npos;
  };
}

/// Two-dimensional floating-point ".weight"s that are no embedding and no router.
Expected<bool> looks_linear(const Blueprint& tensor) {
  return tensor.view.shape().size() == 2 && is_floating_point(tensor.dtype) &&
         tensor.name.ends_with(".weight") && tensor.name.find("embed") == std::string::npos &&
         tensor.name.find("mlp.gate.") == std::string::npos;
}

Recipe recipe_to(const Format& to) {
  Recipe recipe;
  recipe.to = to;
  recipe.is_linear = looks_linear;
  return recipe;
}

/// A small mixture-of-experts model.
io::Catalogue model() {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("lm_head.weight", Dtype::bf16, {100, 64});
  builder.add("model.embed_tokens.weight", Dtype::bf16, {100, 64});
  builder.add("model.layers.0.mlp.experts.0.gate_proj.weight", Dtype::bf16, {32, 64});
  builder.add("model.layers.0.mlp.gate.weight", Dtype::bf16, {4, 64});
  builder.add("model.layers.0.self_attn.q_proj.bias", Dtype::bf16, {64});
  builder.add("model.layers.0.self_attn.q_proj.weight", Dtype::bf16, {64, 64});
  builder.add("model.norm.weight", Dtype::f32, {64});
  builder.add("model.steps", Dtype::i64, {});
  return builder.take();
}

Expected<Assignment> assign(const io::Catalogue& catalogue, const Recipe& recipe) {
  return assign_formats(catalogue, as_stored(catalogue), recipe);
}

std::vector<Format> formats_in(const Assignment& assignment) {
  std::vector<Format> formats;
  for (const Treatment& treatment : assignment.treatments) formats.push_back(treatment.format);
  return formats;
}

std::vector<Format> formats_of(const Recipe& recipe) {
  const auto assignment = assign(model(), recipe);
  REQUIRE(assignment);
  return formats_in(*assignment);
}

}  // namespace

TEST_CASE("a quantizing format goes to linear weights and everything else is kept") {
  CHECK(formats_of(recipe_to(nf4)) ==
        std::vector<Format>{nf4, keep, nf4, keep, keep, nf4, keep, keep});
}

TEST_CASE("default skips leave out a module, what is inside it and what ends with its path") {
  Recipe recipe = recipe_to(nf4);
  recipe.default_skips = {"lm_head"};
  CHECK(formats_of(recipe)[0] == keep);
  recipe.default_skips = {"model.layers.0.self_attn"};
  CHECK(formats_of(recipe)[5] == keep);
  CHECK(formats_of(recipe)[2] == nf4);
  recipe.default_skips = {"q_proj"};
  CHECK(formats_of(recipe)[5] == keep);
  recipe.default_skips = {"lm", "model.layers.0.self"};
  CHECK(formats_of(recipe)[0] == nf4);
  CHECK(formats_of(recipe)[5] == nf4);
}

TEST_CASE("the user's skips replace the default ones, even by none") {
  Recipe recipe = recipe_to(nf4);
  recipe.default_skips = {"lm_head"};
  recipe.skips.emplace();
  CHECK(formats_of(recipe)[0] == nf4);
  recipe.skips->push_back(contains("experts"));
  recipe.skips->push_back(contains("q_proj"));
  CHECK(formats_of(recipe) == std::vector<Format>{nf4, keep, keep, keep, keep, keep, keep, keep});
}

TEST_CASE("a cast goes to every floating-point tensor and knows no default skips") {
  Recipe recipe = recipe_to(f32);
  recipe.default_skips = {"lm_head"};
  CHECK(formats_of(recipe) == std::vector<Format>{f32, f32, f32, f32, f32, f32, f32, keep});
  recipe.skips = {contains("norm")};
  CHECK(formats_of(recipe) == std::vector<Format>{f32, f32, f32, f32, f32, f32, keep, keep});
}

TEST_CASE("a cast keeps numbers that it cannot read") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("packed", Dtype::f4_e2m1, {8, 8});
  builder.add("small", Dtype::f8_e4m3, {8, 8});
  const auto assignment = assign(builder.take(), recipe_to(bf16));
  REQUIRE(assignment);
  CHECK(formats_in(*assignment) == std::vector<Format>{keep, bf16});
  CHECK(assignment->left_out == std::vector<std::string>{"packed"});
}

TEST_CASE("the first match wins over later ones, over skips and over the rule of linear weights") {
  Recipe recipe = recipe_to(nf4);
  recipe.skips = {contains("q_proj")};
  recipe.matches.push_back({contains("q_proj.w"), f32});
  recipe.matches.push_back({contains("q_proj"), nf4});
  recipe.matches.push_back({contains("norm"), nf4});
  recipe.matches.push_back({contains("lm_head"), keep});
  CHECK(formats_of(recipe) == std::vector<Format>{keep, keep, nf4, keep, nf4, f32, nf4, keep});
}

TEST_CASE("without a format only matches change anything") {
  Recipe recipe = recipe_to(keep);
  recipe.matches.push_back({contains("q_proj.weight"), nf4});
  CHECK(formats_of(recipe) == std::vector<Format>{keep, keep, keep, keep, keep, nf4, keep, keep});
}

TEST_CASE("a match cannot force a format on numbers that are none") {
  for (const Format& format : {nf4, bf16}) {
    Recipe recipe = recipe_to(keep);
    recipe.matches.push_back({contains("steps"), format});
    const auto assignment = assign(model(), recipe);
    REQUIRE_FALSE(assignment);
    CHECK(assignment.error().code() == ErrorCode::unsupported);
    CHECK(assignment.error().tensor() == "model.steps");
  }
  Recipe recipe = recipe_to(nf4);
  recipe.matches.push_back({contains("steps"), keep});
  CHECK(assign(model(), recipe));
}

TEST_CASE("an error of any test is passed on") {
  const auto failing = [](std::string_view) -> Expected<bool> {
    return fail(ErrorCode::invalid_argument, "too much work");
  };
  Recipe matching = recipe_to(nf4);
  matching.matches.push_back({failing, nf4});
  Recipe skipping = recipe_to(nf4);
  skipping.skips = {failing};
  Recipe ruling = recipe_to(nf4);
  ruling.is_linear = [&](const Blueprint& tensor) { return failing(tensor.name); };
  for (const Recipe* recipe : {&matching, &skipping, &ruling}) {
    const auto assignment = assign(model(), *recipe);
    REQUIRE_FALSE(assignment);
    CHECK(assignment.error().reason() == "too much work");
  }
}

TEST_CASE("linear weights that are kept are reported, and only those") {
  Recipe recipe = recipe_to(nf4);
  recipe.default_skips = {"lm_head"};
  recipe.matches.push_back({contains("experts"), keep});
  recipe.matches.push_back({contains("q_proj.weight"), f32});
  const auto assignment = assign(model(), recipe);
  REQUIRE(assignment);
  CHECK(
      assignment->left_out ==
      std::vector<std::string>{"lm_head.weight", "model.layers.0.mlp.experts.0.gate_proj.weight"});
}

TEST_CASE("a quantized checkpoint names every module of a matrix that was not quantized") {
  Recipe recipe = recipe_to(nf4);
  recipe.default_skips = {"lm_head"};
  const auto assignment = assign(model(), recipe);
  REQUIRE(assignment);
  CHECK(assignment->skipped_modules ==
        std::vector<std::string>{"lm_head", "model.embed_tokens", "model.layers.0.mlp.gate"});
}

TEST_CASE("a tied head without a weight of its own is named all the same") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("model.embed_tokens.weight", Dtype::bf16, {100, 64});
  builder.add("model.layers.0.q_proj.weight", Dtype::bf16, {64, 64});
  const io::Catalogue catalogue = builder.take();
  Recipe recipe = recipe_to(nf4);
  recipe.default_skips = {"lm_head", "model.embed_tokens"};
  for (const bool with_user_skips : {false, true}) {
    if (with_user_skips) recipe.skips.emplace();
    const auto assignment = assign(catalogue, recipe);
    REQUIRE(assignment);
    CHECK(assignment->skipped_modules == std::vector<std::string>{"lm_head", "model.embed_tokens"});
  }
}

TEST_CASE("a default skip that was quantized after all is not named") {
  Recipe recipe = recipe_to(nf4);
  recipe.default_skips = {"lm_head"};
  recipe.matches.push_back({contains("lm_head"), nf4});
  const auto assignment = assign(model(), recipe);
  REQUIRE(assignment);
  CHECK(assignment->skipped_modules ==
        std::vector<std::string>{"model.embed_tokens", "model.layers.0.mlp.gate"});
}

TEST_CASE("nothing is named when nothing is quantized") {
  for (const Format& format : {keep, bf16}) {
    Recipe recipe = recipe_to(format);
    recipe.default_skips = {"lm_head"};
    const auto assignment = assign(model(), recipe);
    REQUIRE(assignment);
    CHECK(assignment->skipped_modules.empty());
  }
}

namespace {

/// Two FP8 weights with scales, and a plain one.
struct Scaled {
  Scaled() {
    CatalogueBuilder builder;
    builder.next_file(8);
    for (const char* name : {"model.layers.0.q_proj.weight", "model.layers.0.embed.weight"}) {
      const std::uint32_t weight = builder.add(name, Dtype::f8_e4m3, {256, 256});
      builder.add(std::string(name) + "_scale_inv", Dtype::f32, {2, 2});
      blueprints.scales.resize(weight + 2);
      blueprints.scales[weight] = TileScales{weight + 1, 128, 128};
    }
    builder.add("model.norm.weight", Dtype::bf16, {256});
    catalogue = builder.take();
    blueprints.tensors = as_stored(catalogue).tensors;
    blueprints.scales.resize(5);
    blueprints.tensors[1].scales_of = 0;
    blueprints.tensors[3].scales_of = 2;
  }

  [[nodiscard]] Assignment to(const Format& format) const {
    auto assignment = assign_formats(catalogue, blueprints, recipe_to(format));
    REQUIRE(assignment);
    return std::move(*assignment);
  }

  io::Catalogue catalogue;
  Blueprints blueprints;
};

}  // namespace

TEST_CASE("FP8 weights stay as they are, scales and all, where nothing is asked for") {
  const Assignment kept = Scaled().to(keep);
  CHECK(formats_in(kept) == std::vector<Format>(5, keep));
  CHECK(kept.blueprints.tensors.size() == 5);
  CHECK(kept.left_out.empty());
}

TEST_CASE("FP8 weights become plain numbers where anything is asked for, and their scales go") {
  const Assignment quantized = Scaled().to(nf4);
  CHECK(formats_in(quantized) == std::vector<Format>{nf4, bf16, keep});
  REQUIRE(quantized.blueprints.tensors.size() == 3);
  CHECK(quantized.blueprints.tensors[1].name == "model.layers.0.embed.weight");
  CHECK(quantized.treatments[0].working == Dtype::bf16);
  CHECK(formats_in(Scaled().to(f32)) == std::vector<Format>{f32, f32, f32});
}

TEST_CASE("what is kept is cast to the model's dtype, if it has another") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("model.norm.weight", Dtype::bf16, {64});
  builder.add("model.same.weight", Dtype::f32, {64});
  builder.add("model.steps", Dtype::i64, {});
  const io::Catalogue catalogue = builder.take();
  Blueprints blueprints = as_stored(catalogue);
  for (Blueprint& tensor : blueprints.tensors) tensor.model_dtype = Dtype::f32;
  const auto assignment = assign_formats(catalogue, blueprints, recipe_to(keep));
  REQUIRE(assignment);
  CHECK(formats_in(*assignment) == std::vector<Format>{f32, f32, keep});
}

TEST_CASE("the older recipe of tiles leaves out matrices that they do not fit") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("fits.weight", Dtype::bf16, {256, 128});
  builder.add("low.weight", Dtype::bf16, {200, 128});
  builder.add("narrow.weight", Dtype::bf16, {256, 100});
  const io::Catalogue catalogue = builder.take();
  Format tiles{FormatKind::fp8_block};
  CHECK(formats_in(*assign(catalogue, recipe_to(tiles))) == std::vector<Format>(3, tiles));
  tiles.recipe = codecs::Fp8Recipe::transformers;
  const auto assignment = assign(catalogue, recipe_to(tiles));
  REQUIRE(assignment);
  CHECK(formats_in(*assignment) == std::vector<Format>{tiles, keep, keep});
  CHECK(assignment->left_out == std::vector<std::string>{"low.weight", "narrow.weight"});
}
