#include "api/draft.hpp"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "api/quantization.hpp"
#include "api/recipe.hpp"
#include "api/result_tensors.hpp"
#include "io/checkpoint.hpp"
#include "io/direct_source.hpp"
#include "plan/make_plan.hpp"

namespace plimsoll {
namespace {

Expected<void> check_supported(const config::RecipeSettings& settings) {
  if (settings.layout == config::Layout::gguf) {
    return fail(ErrorCode::unsupported, "this version does not know the layout gguf");
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

/// Weights whose scales cannot be put together must not stay in FP8.
Expected<void> check_scales(const io::Catalogue& catalogue,
                            const std::unordered_map<std::string, std::string>& lost,
                            const plan::Assignment& assignment) {
  if (lost.empty()) return {};
  for (std::size_t i = 0; i < assignment.treatments.size(); ++i) {
    const plan::Blueprint& tensor = assignment.blueprints.tensors[i];
    const auto found = lost.find(tensor.name);
    if (found == lost.end()) continue;
    if (assignment.treatments[i].format.kind != codecs::FormatKind::keep) continue;
    return fail(ErrorCode::unsupported, found->second, plan::file_of(catalogue, tensor),
                tensor.name);
  }
  return {};
}

Expected<void> check_strict(const NameReport& names) {
  const std::size_t differ =
      names.missing.size() + names.unexpected.size() + names.mismatches.size();
  if (differ == 0) return {};
  const std::string& first = !names.missing.empty()      ? names.missing.front()
                             : !names.unexpected.empty() ? names.unexpected.front()
                                                         : names.mismatches.front().name;
  return fail(
      ErrorCode::names_differ,
      "the checkpoint is not what the model wants: " + std::to_string(names.missing.size()) +
          " missing, " + std::to_string(names.unexpected.size()) + " unexpected, " +
          std::to_string(names.mismatches.size()) + " mismatched; this is the first",
      "", first);
}

NameReport report_of(plan::Assembly& assembly) {
  NameReport names;
  names.missing = std::move(assembly.missing);
  names.unexpected = std::move(assembly.unexpected);
  for (plan::Mismatch& mismatch : assembly.mismatched) {
    names.mismatches.push_back(
        {std::move(mismatch.name), std::move(mismatch.found), std::move(mismatch.wanted)});
  }
  names.unchecked = std::move(assembly.open_checks);
  return names;
}

}  // namespace

Expected<Draft> draw(const std::string& path, const config::Settings& settings, plan::Sink sink,
                     std::span<const ExpectedTensor> expected) {
  if (auto supported = check_supported(settings.recipe); !supported) return fail(supported.error());
  Draft draft;
  auto catalogue = io::open_checkpoint(path);
  if (!catalogue) return fail(catalogue.error());
  draft.catalogue = std::move(*catalogue);
  draft.is_directory = std::filesystem::is_directory(path);

  auto facts = config::read_hf_config(draft.catalogue.directory);
  if (!facts) return fail(facts.error());
  draft.facts = std::move(*facts);

  auto assembly = result_tensors(draft.catalogue, draft.facts, settings.recipe, expected);
  if (!assembly) return fail(assembly.error());
  draft.names = report_of(*assembly);
  if (settings.recipe.strict) {
    if (auto same = check_strict(draft.names); !same) return fail(same.error());
  }
  std::unordered_map<std::string, std::string> lost;
  for (const plan::LostScales& scales : assembly->lost_scales) {
    lost.emplace(scales.weight, scales.reason);
  }

  auto recipe = recipe_of(settings.recipe, assembly->blueprints, draft.facts);
  if (!recipe) return fail(recipe.error());
  draft.to = recipe->to;
  recipe->lists_skips = sink == plan::Sink::checkpoint;
  auto assignment = plan::assign_formats(draft.catalogue, std::move(assembly->blueprints), *recipe);
  if (!assignment) return fail(assignment.error());
  if (auto plain = check_plain(draft.catalogue, draft.facts, assignment->treatments); !plain) {
    return fail(plain.error());
  }
  if (auto whole = check_scales(draft.catalogue, lost, *assignment); !whole) {
    return fail(whole.error());
  }
  draft.left_out = std::move(assignment->left_out);
  draft.skipped_modules = std::move(assignment->skipped_modules);

  auto plan = plan::make_plan(draft.catalogue, std::move(assignment->blueprints),
                              request_for(settings, sink, std::move(assignment->treatments)));
  if (!plan) return fail(plan.error());
  draft.plan = std::make_shared<const plan::Plan>(std::move(*plan));
  if (sink == plan::Sink::checkpoint) {
    auto quantization = quantization_of(*draft.plan);
    if (!quantization) return fail(quantization.error());
    draft.quantization = *quantization;
  }
  return draft;
}

}  // namespace plimsoll
