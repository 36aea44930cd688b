#include "api/recipe.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "config/linear_weights.hpp"
#include "config/pattern.hpp"
#include "config/skip_defaults.hpp"
#include "rules/natural_order.hpp"

namespace plimsoll {
namespace {

plan::LinearTest linear_test(const std::optional<config::HfConfig>& facts) {
  const auto rule = std::make_shared<const config::LinearRule>();
  const std::string model_type = facts ? facts->model_type : "";
  return [rule, model_type](const plan::Blueprint& tensor) -> Expected<bool> {
    return rule->is_linear_weight(tensor.name, tensor.dtype, tensor.view.shape(), model_type);
  };
}

/// An output head that shares its weight with the embeddings is in no checkpoint, but it is a
/// module of the model, and readers must leave it alone. Most models call it "lm_head".
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> unusual_heads = {{
    {"bert", "cls.predictions.decoder"},
    {"roberta", "lm_head.decoder"},
    {"xlm-roberta", "lm_head.decoder"},
    {"camembert", "lm_head.decoder"},
    {"albert", "predictions.decoder"},
    {"distilbert", "vocab_projector"},
    {"electra", "generator_lm_head"},
    {"whisper", "proj_out"},
    {"modernbert", "decoder"},
}};

std::string tied_head(const std::optional<config::HfConfig>& facts) {
  for (const auto& [model_type, head] : unusual_heads) {
    if (facts && facts->model_type == model_type) return std::string(head);
  }
  return "lm_head";
}

std::vector<std::string> default_skips(const plan::Blueprints& blueprints,
                                       const std::optional<config::HfConfig>& facts) {
  std::vector<std::string> all;
  all.reserve(blueprints.tensors.size());
  for (const plan::Blueprint& tensor : blueprints.tensors) all.push_back(tensor.name);
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const std::uint32_t index : rules::natural_order(all)) {
    names.push_back(std::move(all[index]));
  }
  std::vector<std::string> modules;
  for (config::SkippedModule& skipped : config::SkipDefaults().modules(facts, names)) {
    modules.push_back(std::move(skipped.module));
  }
  modules.push_back(tied_head(facts));
  return modules;
}

}  // namespace

Expected<plan::NameTest> name_test(const std::string& text) {
  auto compiled = config::Pattern::compile(text);
  if (!compiled) return fail(compiled.error());
  const auto pattern = std::make_shared<const config::Pattern>(std::move(*compiled));
  return [pattern](std::string_view name) { return pattern->search(name); };
}

Expected<plan::Recipe> recipe_of(const config::RecipeSettings& settings,
                                 const plan::Blueprints& blueprints,
                                 const std::optional<config::HfConfig>& facts) {
  plan::Recipe recipe;
  recipe.to = settings.to.value_or(codecs::Format{});
  for (const config::MatchRule& match : settings.match) {
    auto test = name_test(match.pattern);
    if (!test) return fail(test.error());
    recipe.matches.push_back({std::move(*test), match.format});
  }
  if (settings.skip) {
    recipe.skips.emplace();
    for (const std::string& pattern : *settings.skip) {
      auto test = name_test(pattern);
      if (!test) return fail(test.error());
      recipe.skips->push_back(std::move(*test));
    }
  }
  const bool quantizes =
      codecs::is_quantized(recipe.to.kind) ||
      std::any_of(recipe.matches.begin(), recipe.matches.end(), [](const plan::Match& match) {
        return codecs::is_quantized(match.format.kind);
      });
  if (quantizes) recipe.default_skips = default_skips(blueprints, facts);
  recipe.is_linear = linear_test(facts);
  if (facts && facts->dtype) recipe.compute_dtype = *facts->dtype;
  return recipe;
}

}  // namespace plimsoll
