#include "api/recipe.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

#include "config/linear_weights.hpp"
#include "config/name_kinds.hpp"
#include "config/pattern.hpp"
#include "config/skip_defaults.hpp"
#include "gguf/tensor_types_roles.hpp"
#include "rules/natural_order.hpp"

namespace plimsoll {
namespace {

/// Asks the rule once for all tensors that it must say the same of.
class LinearAnswers {
 public:
  explicit LinearAnswers(std::string model_type) : model_type_(std::move(model_type)) {}

  Expected<bool> operator()(const plan::Blueprint& tensor) {
    const io::Shape& shape = tensor.view.shape();
    const auto alike = std::make_tuple(kinds_.kind_of(tensor.name), tensor.dtype, shape.size());
    const auto known = answers_.find(alike);
    if (known != answers_.end()) return known->second;
    const bool answer = rule_->is_linear_weight(tensor.name, tensor.dtype, shape, model_type_);
    answers_.emplace(alike, answer);
    return answer;
  }

 private:
  std::shared_ptr<const config::LinearRule> rule_ = std::make_shared<const config::LinearRule>();
  std::string model_type_;
  config::NameKinds kinds_;
  std::map<std::tuple<std::size_t, Dtype, std::size_t>, bool> answers_;
};

/// Linear weights under GGUF's names: what llama-quantize would quantize, but for embeddings.
Expected<bool> is_linear_in_gguf(const plan::Blueprint& tensor) {
  const io::Shape& shape = tensor.view.shape();
  return is_floating_point(tensor.dtype) && (shape.size() == 2 || shape.size() == 3) &&
         tensor.name.ends_with(".weight") && gguf::is_quantizable(tensor.name, shape) &&
         gguf::role_of(tensor.name) != gguf::TensorRole::token_embedding;
}

Expected<bool> is_head_in_gguf(std::string_view name) {
  return gguf::role_of(name) == gguf::TensorRole::output;
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
  if (facts && facts->dtype) recipe.compute_dtype = *facts->dtype;
  if (settings.layout == config::Layout::gguf) {
    if (!recipe.skips && codecs::is_quantized(recipe.to.kind)) recipe.skips = {is_head_in_gguf};
    recipe.is_linear = is_linear_in_gguf;
    return recipe;
  }
  const bool quantizes =
      codecs::is_quantized(recipe.to.kind) ||
      std::any_of(recipe.matches.begin(), recipe.matches.end(),
                  [](const plan::Match& match) { return codecs::is_quantized(match.format.kind); });
  if (quantizes) recipe.default_skips = default_skips(blueprints, facts);
  recipe.is_linear = LinearAnswers(facts ? facts->model_type : "");
  return recipe;
}

}  // namespace plimsoll
