#include "api/draft.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "config/linear_weights.hpp"
#include "config/pattern.hpp"
#include "config/skip_defaults.hpp"
#include "io/checkpoint.hpp"
#include "io/direct_source.hpp"
#include "plan/assign_formats.hpp"
#include "plan/make_plan.hpp"
#include "rules/natural_order.hpp"

namespace plimsoll {
namespace {

Expected<plan::NameTest> name_test(const std::string& text) {
  auto compiled = config::Pattern::compile(text);
  if (!compiled) return fail(compiled.error());
  const auto pattern = std::make_shared<const config::Pattern>(std::move(*compiled));
  return [pattern](std::string_view name) { return pattern->search(name); };
}

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

std::vector<std::string> default_skips(const io::Catalogue& catalogue,
                                       const std::optional<config::HfConfig>& facts) {
  std::vector<std::string> names;
  names.reserve(catalogue.tensors.size());
  for (const io::TensorEntry& tensor : catalogue.tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end(), rules::natural_less);
  std::vector<std::string> modules;
  for (config::SkippedModule& skipped : config::SkipDefaults().modules(facts, names)) {
    modules.push_back(std::move(skipped.module));
  }
  modules.push_back(tied_head(facts));
  return modules;
}

Expected<plan::Recipe> recipe_of(const config::RecipeSettings& settings,
                                 const io::Catalogue& catalogue,
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
  recipe.default_skips = default_skips(catalogue, facts);
  recipe.is_linear = linear_test(facts);
  return recipe;
}

Expected<void> check_supported(const config::RecipeSettings& settings) {
  if (settings.layout != config::Layout::hub) {
    return fail(ErrorCode::unsupported, "this version knows the layout hub only");
  }
  if (!settings.expect.empty()) {
    return fail(ErrorCode::unsupported, "this version cannot check against a list of tensors");
  }
  return {};
}

/// Numbers of a quantized source mean nothing without their scales.
Expected<void> check_plain(const io::Catalogue& catalogue,
                           const std::optional<config::HfConfig>& facts,
                           const std::vector<plan::Treatment>& treatments) {
  if (!facts || facts->quant_method.empty() || facts->quant_method == "fp8") return {};
  const bool changes =
      std::any_of(treatments.begin(), treatments.end(), [](const plan::Treatment& treatment) {
        return treatment.format.kind != codecs::FormatKind::keep;
      });
  if (!changes) return {};
  return fail(ErrorCode::unsupported,
              "the checkpoint is quantized already (" + facts->quant_method +
                  "); this version can only keep it as it is",
              catalogue.directory + "/config.json");
}

plan::MergeMethod merge_method(config::Merge merge) {
  switch (merge) {
    case config::Merge::fold:
      return plan::MergeMethod::fold;
    case config::Merge::gather:
      return plan::MergeMethod::gather;
    case config::Merge::two_pass:
      return plan::MergeMethod::two_pass;
    case config::Merge::automatic:
      break;
  }
  return plan::MergeMethod::automatic;
}

plan::PlanRequest request_for(const config::Settings& settings, plan::Sink sink,
                              std::vector<plan::Treatment> treatments) {
  plan::PlanRequest request;
  request.treatments = std::move(treatments);
  request.merge = merge_method(settings.plan.merge);
  request.devices = settings.engine.devices;
  request.sink = sink;
  request.slots = settings.plan.slots;
  request.unit_bytes = settings.plan.unit_bytes;
  request.budget = settings.plan.budget;
  request.shard_bytes = settings.output.shard_size;
  request.direct_required = settings.io.source == config::ReadMethod::direct;
  // Which source "auto" will choose is known only when it opens the files; the line has room for
  // either.
  if (settings.io.source != config::ReadMethod::pread) {
    request.direct_buffers = io::DirectSource::buffer_count * io::DirectSource::chunk_bytes;
  }
  return request;
}

}  // namespace

Expected<Draft> draw(const std::string& path, const config::Settings& settings, plan::Sink sink) {
  if (auto supported = check_supported(settings.recipe); !supported) return fail(supported.error());
  Draft draft;
  auto catalogue = io::open_checkpoint(path);
  if (!catalogue) return fail(catalogue.error());
  draft.catalogue = std::move(*catalogue);
  draft.is_directory = std::filesystem::is_directory(path);

  auto facts = config::read_hf_config(draft.catalogue.directory);
  if (!facts) return fail(facts.error());
  draft.facts = std::move(*facts);

  auto recipe = recipe_of(settings.recipe, draft.catalogue, draft.facts);
  if (!recipe) return fail(recipe.error());
  draft.to = recipe->to;
  auto assignment =
      plan::assign_formats(draft.catalogue, plan::as_stored(draft.catalogue), *recipe);
  if (!assignment) return fail(assignment.error());
  if (auto plain = check_plain(draft.catalogue, draft.facts, assignment->treatments); !plain) {
    return fail(plain.error());
  }
  draft.left_out = std::move(assignment->left_out);
  draft.skipped_modules = std::move(assignment->skipped_modules);

  auto plan =
      plan::make_plan(draft.catalogue, std::move(assignment->blueprints),
                      request_for(settings, sink, std::move(assignment->treatments)));
  if (!plan) return fail(plan.error());
  draft.plan = std::make_shared<const plan::Plan>(std::move(*plan));
  return draft;
}

}  // namespace plimsoll
