#include "plan/describe_outputs.hpp"

#include <algorithm>
#include <utility>

#include "codecs/ggml/decode.hpp"
#include "plan/components.hpp"
#include "plan/packed_sources.hpp"
#include "views/operations.hpp"

namespace plimsoll::plan {
namespace {

/// How densely the numbers or codes of a result lie.
Packing made_packing(const OutputTensor& output) {
  switch (output.format.kind) {
    case codecs::FormatKind::keep:
      return output.stored;
    case codecs::FormatKind::nf4:
      return {2, 1};
    case codecs::FormatKind::fp8_block:
    case codecs::FormatKind::fp8_tensor:
      return {1, 1};
    case codecs::FormatKind::ggml: {
      const codecs::ggml::Traits& traits = codecs::ggml::traits_of(output.format.type);
      return {traits.block_elements, traits.block_bytes};
    }
    default:
      return packing_of(output.dtype);
  }
}

/// How many different tensors a view is made of.
std::uint32_t count_sources(const views::View& view) {
  std::vector<std::uint32_t> sources;
  sources.reserve(view.box_count());
  for (std::size_t i = 0; i < view.box_count(); ++i) sources.push_back(view.source(i));
  std::sort(sources.begin(), sources.end());
  const auto end = std::unique(sources.begin(), sources.end());
  return static_cast<std::uint32_t>(end - sources.begin());
}

/// Goes through the blueprints in their order.
class Describer {
 public:
  Describer(const io::Catalogue& catalogue, Blueprints& blueprints, const PlanRequest& request,
            Plan& plan)
      : catalogue_(catalogue),
        blueprints_(blueprints),
        request_(request),
        plan_(plan),
        components_(plan) {}

  Expected<void> describe_all();
  [[nodiscard]] std::vector<Work> take_works() { return std::move(works_); }

 private:
  [[nodiscard]] Expected<OutputTensor> describe(Blueprint& blueprint, const Treatment& treatment);
  [[nodiscard]] OutputTensor describe_known(Blueprint& blueprint);
  [[nodiscard]] Stock describe_stock(const Blueprint& blueprint, OutputTensor& output) const;
  [[nodiscard]] Expected<views::View> take_view(Blueprint& blueprint,
                                                const OutputTensor& output) const;
  [[nodiscard]] const PackedSource& packed_source(const views::View& view, std::size_t box) const {
    return plan_.packed[view.source(box)];
  }
  [[nodiscard]] bool all_scaled(const Blueprint& blueprint, bool scaled) const;
  [[nodiscard]] Expected<void> check_kept(const OutputTensor& output,
                                          const views::View& view) const;
  [[nodiscard]] Expected<void> check_decoded(const Blueprint& blueprint) const;
  Expected<void> add_importance(std::span<const float> weights, OutputTensor& output);

  const io::Catalogue& catalogue_;
  Blueprints& blueprints_;
  const PlanRequest& request_;
  Plan& plan_;
  ComponentMaker components_;
  std::vector<Work> works_;  // one an output
};

Expected<void> Describer::describe_all() {
  const std::size_t count = blueprints_.tensors.size();
  plan_.outputs.reserve(count);
  plan_.views.reserve(count);
  works_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto output = describe(blueprints_.tensors[i], request_.treatments[i]);
    if (!output) return fail(output.error());
    if (!request_.importance.empty()) {
      if (auto weighed = add_importance(request_.importance[i], *output); !weighed) return weighed;
    }
    plan_.outputs.push_back(std::move(*output));
  }
  return {};
}

/// Copies the weights, so that the plan stands alone.
Expected<void> Describer::add_importance(std::span<const float> weights, OutputTensor& output) {
  if (weights.empty() || output.format.kind != codecs::FormatKind::ggml) return {};
  const std::uint64_t columns = output.shape.empty() ? 1 : output.shape.back();
  const std::uint64_t matrix =
      output.shape.size() < 2 ? columns : columns * output.shape[output.shape.size() - 2];
  const std::uint64_t matrices = matrix == 0 ? 0 : io::element_count(output.shape) / matrix;
  if (weights.size() != columns && weights.size() != columns * matrices) {
    return fail(ErrorCode::malformed,
                "the importance matrix has " + std::to_string(weights.size()) +
                    " weights for its " + std::to_string(columns) + " columns",
                "", output.name);
  }
  output.importance = plan_.importance.size();
  output.importance_count = weights.size();
  plan_.importance.insert(plan_.importance.end(), weights.begin(), weights.end());
  return {};
}

/// Whether all of a tensor's sources have scales, or none has.
bool Describer::all_scaled(const Blueprint& blueprint, bool scaled) const {
  const auto& scales = blueprints_.scales;
  for (std::size_t i = 0; i < blueprint.view.box_count(); ++i) {
    const std::uint32_t source = blueprint.view.source(i);
    if ((source < scales.size() && scales[source].has_value()) != scaled) return false;
  }
  return true;
}

/// A tensor of known numbers: no unit makes anything of it.
OutputTensor Describer::describe_known(Blueprint& blueprint) {
  OutputTensor output;
  output.name = std::move(blueprint.name);
  output.source_dtype = output.dtype = Dtype::f32;
  output.stored = output.made = packing_of(Dtype::f32);
  output.shape = {blueprint.values.size()};
  components_.make_known(output, blueprint.values);
  works_.push_back(Work{});
  plan_.views.push_back(views::whole(0, {0}).value());
  return output;
}

/// What the tensor is made of; says so in the output too.
Stock Describer::describe_stock(const Blueprint& blueprint, OutputTensor& output) const {
  Stock stock{blueprint.dtype, output.scaled, blueprint.view.shape().size()};
  if (!blueprint.view.shape().empty()) stock.row = blueprint.view.shape().back();
  output.stored = packing_of(blueprint.dtype);
  output.source_bytes = blueprint.view.elements() * bits_of(blueprint.dtype) / 8;
  if (!plan_.packed.empty() && blueprint.view.box_count() > 0) {
    const PackedStock packed = packed_stock(catalogue_, plan_.packed, blueprint.view);
    output.packed = stock.coded = packed.coded;
    output.stored = packed.widest;
    output.source_bytes = packed.bytes;
    stock.block = packed.block;
  }
  return stock;
}

/// The view that units are cut from.
Expected<views::View> Describer::take_view(Blueprint& blueprint, const OutputTensor& output) const {
  if (bits_of(blueprint.dtype) >= 8) return std::move(blueprint.view);
  if (blueprint.view.elements() == 0) return views::whole(0, {0}).value();
  // Less than a byte an element: whole tensors only, counted in bytes.
  const std::uint32_t source = blueprint.view.box(0).source;
  if (!blueprint.view.is_contiguous() || output.source_bytes != catalogue_.tensors[source].bytes) {
    return fail(ErrorCode::unsupported,
                "tensors of " + std::string(name_of(blueprint.dtype)) + " can only stay whole",
                file_of(catalogue_, blueprint), output.name);
  }
  return views::whole(source, {output.source_bytes}).value();
}

/// Takes name and view of the blueprint.
Expected<OutputTensor> Describer::describe(Blueprint& blueprint, const Treatment& treatment) {
  if (!blueprint.values.empty()) return describe_known(blueprint);
  OutputTensor output;
  output.scaled = scales_of(blueprints_, blueprint) != nullptr;
  if (!all_scaled(blueprint, output.scaled)) {
    return fail(ErrorCode::malformed, "some of its parts have scales and some have none",
                file_of(catalogue_, blueprint), blueprint.name);
  }
  const Stock stock = describe_stock(blueprint, output);
  if (!can_make(stock, treatment)) {
    return fail(ErrorCode::unsupported,
                "the asked-for format cannot be made from " +
                    std::string(name_of(blueprint.dtype)) + " of shape " +
                    views::text_of(blueprint.view.shape()),
                file_of(catalogue_, blueprint), blueprint.name);
  }
  Work work = work_for(stock, treatment);
  if (output.packed && !work.route.is_kept()) {
    if (auto checked = check_decoded(blueprint); !checked) return fail(checked.error());
  }
  output.scaled = output.scaled && !work.route.is_kept();
  output.name = std::move(blueprint.name);
  output.source_dtype = blueprint.dtype;
  output.dtype = work.working;
  output.shape = blueprint.view.shape();
  output.format = treatment.format;
  output.parts = count_sources(blueprint.view);
  if (output.packed && work.route.is_kept()) {
    if (auto checked = check_kept(output, blueprint.view); !checked) return fail(checked.error());
    work.route.convert = packed_source(blueprint.view, 0).stored.swapped;
  }
  output.made = made_packing(output);
  components_.make(output);
  works_.push_back(work);
  auto view = take_view(blueprint, output);
  if (!view) return fail(view.error());
  plan_.views.push_back(std::move(*view));
  return output;
}

/// Blocks stay blocks only as they are.
Expected<void> Describer::check_kept(const OutputTensor& output, const views::View& view) const {
  const PackedSource& source = packed_source(view, 0);
  const std::uint64_t row = output.shape.empty() ? 1 : output.shape.back();
  const bool whole = row % source.packing.elements == 0;
  if (whole && view.is_contiguous() && source.stored.map == codecs::ElementMap::none) return {};
  return fail(ErrorCode::unsupported,
              "blocks of " + std::string(codecs::ggml::traits_of(source.stored.type).name) +
                  " cannot be rearranged or changed, only decoded",
              "", output.name);
}

/// A file can name types that are of computations only.
Expected<void> Describer::check_decoded(const Blueprint& blueprint) const {
  for (std::size_t box = 0; box < blueprint.view.box_count(); ++box) {
    const io::TensorEntry& source = catalogue_.tensors[blueprint.view.source(box)];
    if (!source.blocks || codecs::ggml::can_decode(*source.blocks)) continue;
    return fail(ErrorCode::unsupported,
                "its blocks are " + std::string(codecs::ggml::traits_of(*source.blocks).name) +
                    ", which can be kept but not decoded",
                file_of(catalogue_, blueprint), blueprint.name);
  }
  return {};
}

}  // namespace

Expected<std::vector<Work>> describe_outputs(const io::Catalogue& catalogue, Blueprints& blueprints,
                                             const PlanRequest& request, Plan& plan) {
  Describer describer(catalogue, blueprints, request, plan);
  if (auto described = describer.describe_all(); !described) return fail(described.error());
  return describer.take_works();
}

}  // namespace plimsoll::plan
