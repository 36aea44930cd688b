#include "api/draft.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "api/gguf_model.hpp"
#include "api/gguf_recipe.hpp"
#include "api/quantization.hpp"
#include "api/recipe.hpp"
#include "api/result_tensors.hpp"
#include "api/setting_checks.hpp"
#include "api/source.hpp"
#include "io/direct_source.hpp"
#include "plan/make_plan.hpp"

namespace plimsoll {
namespace {

/// Numbers of a quantized source mean nothing without their scales.
Expected<void> check_plain(const io::Catalogue& catalogue,
                           const std::optional<config::HfConfig>& facts,
                           const std::vector<plan::Treatment>& treatments) {
  const std::string_view method = unreadable_method(facts);
  if (method.empty()) return {};
  const bool changes =
      std::any_of(treatments.begin(), treatments.end(), [](const plan::Treatment& treatment) {
        return treatment.format.kind != codecs::FormatKind::keep;
      });
  if (!changes) return {};
  return fail(ErrorCode::unsupported,
              "the checkpoint is quantized already (" + std::string(method) +
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

/// From the source to the plan. Each step takes what the ones before left in the draft.
class Drawing {
 public:
  Drawing(const std::string& path, const config::Settings& settings, plan::Sink sink,
          const std::string& out, std::span<const ExpectedTensor> expected)
      : path_(path), settings_(settings), sink_(sink), out_(out), expected_(expected) {}

  Expected<Draft> draw() {
    if (auto fit = check_settings(settings_, out_); !fit) return fail(fit.error());
    if (auto opened = open(); !opened) return fail(opened.error());
    auto done = is_gguf(out_) ? decide_gguf() : decide();
    if (done) done = make_plan();
    if (done && sink_ == plan::Sink::checkpoint && !is_gguf(out_)) done = find_quantization();
    if (!done) return tl::unexpected(with_source(done.error()));
    return std::move(draft_);
  }

 private:
  /// What is wrong with a tensor of the result is so in the checkpoint.
  [[nodiscard]] Error with_source(const Error& error) const {
    if (error.tensor().empty() || !error.file().empty()) return error;
    return Error(error.code(), error.reason(), path_, error.tensor());
  }

  Expected<void> open() {
    const bool own_names = is_gguf(out_) || settings_.recipe.layout == config::Layout::gguf;
    // A GGUF model says nothing of a dtype; what is not kept is made of numbers in bf16.
    const codecs::Format to = settings_.recipe.to.value_or(codecs::Format{});
    const auto dtype = to.kind == codecs::FormatKind::keep ? std::nullopt
                       : codecs::is_cast(to.kind) ? std::optional(codecs::cast_dtype(to.kind))
                                                  : std::optional(Dtype::bf16);
    auto source = open_source(path_, own_names, dtype);
    if (!source) return fail(source.error());
    if (!source->gguf && settings_.recipe.layout == config::Layout::gguf && !is_gguf(out_)) {
      return fail(ErrorCode::unsupported,
                  "the layout gguf is one of GGUF models, and the checkpoint is none", path_);
    }
    draft_.catalogue = std::move(source->catalogue);
    draft_.is_directory = source->is_directory;
    draft_.facts = std::move(source->facts);
    draft_.config_json = std::move(source->config_json);
    draft_.generation_config_json = std::move(source->generation_config_json);
    draft_.warnings = std::move(source->notes);
    source_ = std::move(*source);
    return {};
  }

  Expected<void> decide() {
    auto assembly =
        result_tensors(draft_.catalogue, draft_.facts, settings_.recipe, expected_, source_.joins);
    if (!assembly) return fail(assembly.error());
    draft_.names = report_of(*assembly);
    for (std::string& name : source_.unexpected) {
      draft_.names.unexpected.push_back(std::move(name));
    }
    if (settings_.recipe.strict) {
      if (auto same = check_strict(draft_.names); !same) return same;
    }
    std::unordered_map<std::string, std::string> lost;
    for (const plan::LostScales& scales : assembly->lost_scales) {
      lost.emplace(scales.weight, scales.reason);
    }
    auto recipe = recipe_of(settings_.recipe, assembly->blueprints, draft_.facts);
    if (!recipe) return fail(recipe.error());
    draft_.to = recipe->to;
    recipe->lists_skips = sink_ == plan::Sink::checkpoint;
    // Safetensors files have no blocks, and who asks for numbers gets them everywhere.
    recipe->keeps_blocks = settings_.recipe.layout == config::Layout::gguf &&
                           sink_ != plan::Sink::checkpoint &&
                           recipe->to.kind == codecs::FormatKind::keep;
    auto assignment =
        plan::assign_formats(draft_.catalogue, std::move(assembly->blueprints), *recipe);
    if (!assignment) return fail(assignment.error());
    auto sound = check_plain(draft_.catalogue, draft_.facts, assignment->treatments);
    if (sound) sound = check_scales(draft_.catalogue, lost, *assignment);
    if (!sound) return sound;
    draft_.left_out = std::move(assignment->left_out);
    draft_.skipped_modules = std::move(assignment->skipped_modules);
    blueprints_ = std::move(assignment->blueprints);
    request_ = request_for(settings_, sink_, std::move(assignment->treatments));
    return {};
  }

  Expected<void> decide_gguf() {
    auto model = gguf_model(source_, draft_.facts, draft_.catalogue);
    if (!model) return fail(model.error());
    auto recipe = gguf_recipe(settings_, *model, path_, out_);
    if (!recipe) return fail(recipe.error());
    draft_.left_out = std::move(recipe->left_out);
    for (std::string& line : recipe->warnings) draft_.warnings.push_back(std::move(line));
    for (std::string& line : model->missing_keys) draft_.warnings.push_back(std::move(line));
    blueprints_ = std::move(model->blueprints);
    request_ = request_for(settings_, sink_, std::move(recipe->treatments));
    request_.importance = std::move(recipe->importance);
    request_.gguf = std::move(recipe->target);
    matrix_ = std::move(recipe->matrix);
    return {};
  }

  Expected<void> make_plan() {
    auto plan = plan::make_plan(draft_.catalogue, std::move(blueprints_), request_);
    if (!plan) return fail(plan.error());
    draft_.plan = std::make_shared<const plan::Plan>(std::move(*plan));
    return {};
  }

  Expected<void> find_quantization() {
    auto quantization = quantization_of(*draft_.plan);
    if (!quantization) return fail(quantization.error());
    draft_.quantization = *quantization;
    return {};
  }

  const std::string& path_;
  const config::Settings& settings_;
  plan::Sink sink_;
  const std::string& out_;
  std::span<const ExpectedTensor> expected_;
  Source source_;
  plan::Blueprints blueprints_;
  io::ImportanceMatrix matrix_;  // until the plan has its copy
  plan::PlanRequest request_;
  Draft draft_;
};

}  // namespace

Expected<Draft> draw(const std::string& path, const config::Settings& settings, plan::Sink sink,
                     const std::string& out, std::span<const ExpectedTensor> expected) {
  return Drawing(path, settings, sink, out, expected).draw();
}

void log_warnings(const Draft& draft) {
  const auto log = spdlog::get("plimsoll");
  if (!log) return;
  for (const std::string& line : draft.warnings) log->warn("{}", line);
}

}  // namespace plimsoll
