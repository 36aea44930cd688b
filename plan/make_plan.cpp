#include "plan/make_plan.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "codecs/fp8.hpp"
#include "codecs/nf4.hpp"
#include "codecs/torch_dtype.hpp"
#include "io/byte_source.hpp"
#include "io/quant_state.hpp"
#include "plan/align.hpp"
#include "plan/budget.hpp"
#include "plan/packed_sources.hpp"
#include "plan/placement.hpp"
#include "plan/unit_cutter.hpp"
#include "plan/unit_sizes.hpp"
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

/// Builds the parts of one plan in the order in which each needs the ones before.
class Drafter {
 public:
  Drafter(const io::Catalogue& catalogue, Blueprints blueprints, const PlanRequest& request)
      : catalogue_(catalogue), blueprints_(std::move(blueprints)), request_(request) {
    plan_.sink = request.sink;
  }

  Expected<Plan> draft() {
    if (auto valid = check_request(); !valid) return fail(valid.error());
    plan_.packed = packed_sources(catalogue_);
    if (auto made = make_outputs(); !made) return fail(made.error());
    find_scales();
    place_outputs();
    if (auto fitted = fit_budget(); !fitted) return fail(fitted.error());
    if (auto cut = cut_units(); !cut) return fail(cut.error());
    measure_devices();
    if (request_.sink == Sink::checkpoint) {
      if (auto laid_out = lay_out_files(); !laid_out) return fail(laid_out.error());
    }
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Expected<void> check_request() const;
  [[nodiscard]] Expected<void> check_sizes() const;
  Expected<void> make_outputs();
  [[nodiscard]] Expected<OutputTensor> describe(Blueprint& blueprint, const Treatment& treatment);
  [[nodiscard]] OutputTensor describe_known(Blueprint& blueprint);
  [[nodiscard]] const PackedSource& packed_source(const views::View& view, std::size_t box) const {
    return plan_.packed[view.source(box)];
  }
  [[nodiscard]] bool all_scaled(const Blueprint& blueprint, bool scaled) const;
  void add_components(OutputTensor& output);
  void add_nf4(OutputTensor& output);
  /// Bytes in Plan::constants.
  struct Constant {
    std::uint64_t begin = 0;
    std::uint64_t bytes = 0;
  };
  Constant nf4_state(const OutputTensor& output);
  void add_fp8(OutputTensor& output);
  void add_blocks(OutputTensor& output);
  void add_component(OutputTensor& output, Role role, Dtype dtype, io::Shape shape,
                     std::uint64_t bytes, std::uint64_t constant = no_constant);
  std::uint64_t add_constant(const void* bytes, std::size_t count);
  [[nodiscard]] Expected<void> check_kept(const OutputTensor& output,
                                          const views::View& view) const;
  Expected<void> add_importance(std::span<const float> weights, OutputTensor& output);
  void find_scales();
  void place_outputs();
  void lay_out_arenas();
  [[nodiscard]] SizedTensor sized(std::uint32_t output) const;
  Expected<void> fit_budget();
  Expected<void> cut_units();
  void measure_devices();
  Expected<void> lay_out_files();

  const io::Catalogue& catalogue_;
  Blueprints blueprints_;
  const PlanRequest& request_;
  Plan plan_;
  std::vector<Work> works_;              // one an output
  std::uint64_t nf4_map_ = no_constant;  // one copy of the map serves all tensors
  std::map<std::tuple<Dtype, std::uint32_t, io::Shape>, Constant> nf4_states_;
  Sizes sizes_;
};

Expected<void> Drafter::check_request() const {
  const auto refuse = [](std::string reason) {
    return fail(ErrorCode::invalid_argument, std::move(reason));
  };
  if (request_.devices.empty()) return refuse("no device is given");
  if (request_.devices.size() > std::numeric_limits<std::uint16_t>::max()) {
    return refuse("too many devices are given");
  }
  if (request_.treatments.size() != blueprints_.tensors.size()) {
    return refuse("the recipe does not have one format for every tensor");
  }
  if (request_.slots < 1 || request_.slots > most_slots) {
    return refuse("slots must be 1 to " + std::to_string(most_slots));
  }
  if (request_.unit_bytes < 1 || request_.unit_bytes > largest_unit_bytes) {
    return refuse("unit bytes must be 1 to " + std::to_string(largest_unit_bytes));
  }
  return check_sizes();
}

Expected<void> Drafter::check_sizes() const {
  std::uint64_t room = most_source_bytes;
  for (const Blueprint& blueprint : blueprints_.tensors) {
    const std::uint64_t elements = blueprint.view.elements();
    const std::uint64_t bits = bits_of(blueprint.dtype);
    const std::uint64_t bytes = elements > most_source_bytes ? elements : elements * bits / 8;
    if (bytes > room) {
      return fail(ErrorCode::unsupported,
                  "the tensors up to this one have more than " + std::to_string(most_source_bytes) +
                      " bytes",
                  file_of(catalogue_, blueprint), blueprint.name);
    }
    room -= bytes;
  }
  return {};
}

Expected<void> Drafter::make_outputs() {
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
Expected<void> Drafter::add_importance(std::span<const float> weights, OutputTensor& output) {
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
bool Drafter::all_scaled(const Blueprint& blueprint, bool scaled) const {
  const auto& scales = blueprints_.scales;
  for (std::size_t i = 0; i < blueprint.view.box_count(); ++i) {
    const std::uint32_t source = blueprint.view.source(i);
    if ((source < scales.size() && scales[source].has_value()) != scaled) return false;
  }
  return true;
}

/// A tensor of known numbers: no unit makes anything of it.
OutputTensor Drafter::describe_known(Blueprint& blueprint) {
  OutputTensor output;
  output.name = std::move(blueprint.name);
  output.source_dtype = output.dtype = Dtype::f32;
  output.stored = output.made = packing_of(Dtype::f32);
  output.shape = {blueprint.values.size()};
  output.first_component = static_cast<std::uint32_t>(plan_.components.size());
  const std::uint64_t bytes = blueprint.values.size() * sizeof(float);
  add_component(output, Role::data, Dtype::f32, output.shape, bytes,
                add_constant(blueprint.values.data(), bytes));
  works_.push_back(Work{});
  plan_.views.push_back(views::whole(0, {0}).value());
  return output;
}

/// Takes name and view of the blueprint.
Expected<OutputTensor> Drafter::describe(Blueprint& blueprint, const Treatment& treatment) {
  if (!blueprint.values.empty()) return describe_known(blueprint);
  OutputTensor output;
  output.scaled = scales_of(blueprints_, blueprint) != nullptr;
  if (!all_scaled(blueprint, output.scaled)) {
    return fail(ErrorCode::malformed, "some of its parts have scales and some have none",
                file_of(catalogue_, blueprint), blueprint.name);
  }
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
  if (!can_make(stock, treatment)) {
    return fail(ErrorCode::unsupported,
                "the asked-for format cannot be made from " +
                    std::string(name_of(blueprint.dtype)) + " of shape " +
                    views::text_of(blueprint.view.shape()),
                file_of(catalogue_, blueprint), blueprint.name);
  }
  Work work = work_for(stock, treatment);
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
  add_components(output);
  works_.push_back(work);
  if (bits_of(blueprint.dtype) >= 8) {
    plan_.views.push_back(std::move(blueprint.view));
    return output;
  }
  if (blueprint.view.elements() == 0) {
    plan_.views.push_back(views::whole(0, {0}).value());
    return output;
  }
  // Less than a byte an element: whole tensors only, counted in bytes.
  const std::uint32_t source = blueprint.view.box(0).source;
  if (!blueprint.view.is_contiguous() || output.source_bytes != catalogue_.tensors[source].bytes) {
    return fail(ErrorCode::unsupported,
                "tensors of " + std::string(name_of(blueprint.dtype)) + " can only stay whole",
                file_of(catalogue_, blueprint), output.name);
  }
  plan_.views.push_back(views::whole(source, {output.source_bytes}).value());
  return output;
}

void Drafter::add_components(OutputTensor& output) {
  output.first_component = static_cast<std::uint32_t>(plan_.components.size());
  switch (output.format.kind) {
    case codecs::FormatKind::nf4:
      return add_nf4(output);
    case codecs::FormatKind::fp8_block:
    case codecs::FormatKind::fp8_tensor:
      return add_fp8(output);
    default:
      break;
  }
  const std::uint64_t elements = io::element_count(output.shape);
  if (output.made.elements > 1) return add_blocks(output);
  add_component(output, Role::data, output.dtype, output.shape,
                elements * bits_of(output.dtype) / 8);
}

/// Rows of blocks, for readers that know no blocks: rows of bytes.
void Drafter::add_blocks(OutputTensor& output) {
  io::Shape rows = output.shape;
  rows.back() = stored_bytes(output.made, rows.back());
  const std::uint64_t bytes = io::element_count(rows);
  add_component(output, Role::data, Dtype::u8, std::move(rows), bytes);
}

void Drafter::add_nf4(OutputTensor& output) {
  const std::uint64_t elements = io::element_count(output.shape);
  const std::uint64_t blocks =
      elements / output.format.blocksize + (elements % output.format.blocksize != 0);
  const std::uint64_t packed = elements / 2 + elements % 2;
  if (nf4_map_ == no_constant) {
    nf4_map_ = add_constant(codecs::nf4_values.data(), sizeof(codecs::nf4_values));
  }
  const Constant state = nf4_state(output);
  add_component(output, Role::data, Dtype::u8, {packed, 1}, packed);
  add_component(output, Role::absmax, Dtype::f32, {blocks}, blocks * sizeof(float));
  add_component(output, Role::quant_map, Dtype::f32, {codecs::nf4_values.size()},
                sizeof(codecs::nf4_values), nf4_map_);
  add_component(output, Role::quant_state, Dtype::u8, {state.bytes}, state.bytes, state.begin);
}

/// Tensors of one shape and format share a state.
Drafter::Constant Drafter::nf4_state(const OutputTensor& output) {
  const auto key = std::make_tuple(output.dtype, output.format.blocksize, output.shape);
  const auto known = nf4_states_.find(key);
  if (known != nf4_states_.end()) return known->second;
  const std::string state = io::quant_state_json(
      {"nf4", output.format.blocksize, codecs::torch_name(output.dtype), output.shape});
  const Constant constant{add_constant(state.data(), state.size()), state.size()};
  nf4_states_.emplace(key, constant);
  return constant;
}

void Drafter::add_fp8(OutputTensor& output) {
  const std::uint64_t elements = io::element_count(output.shape);
  add_component(output, Role::data, Dtype::f8_e4m3, output.shape, elements);
  if (output.format.kind == codecs::FormatKind::fp8_tensor) {
    // Of an empty tensor there is nothing to scale, and no unit that would write it.
    const float one = 1.0f;
    add_component(output, Role::scale, Dtype::f32, {}, sizeof(float),
                  elements == 0 ? add_constant(&one, sizeof one) : no_constant);
    return;
  }
  io::Shape grid = output.shape;
  for (std::size_t i = grid.size() - 2; i < grid.size(); ++i) {
    grid[i] = grid[i] / codecs::fp8_tile + (grid[i] % codecs::fp8_tile != 0);
  }
  const std::uint64_t scales = elements == 0 ? 0 : io::element_count(grid);
  const bool exponents = output.format.scale == codecs::Fp8Scale::ue8m0;
  add_component(output, Role::scale, exponents ? Dtype::f8_e8m0 : Dtype::f32, std::move(grid),
                scales * scale_width(output.format));
}

void Drafter::add_component(OutputTensor& output, Role role, Dtype dtype, io::Shape shape,
                            std::uint64_t bytes, std::uint64_t constant) {
  Component component;
  component.role = role;
  component.dtype = dtype;
  component.bytes = bytes;
  component.shape = std::move(shape);
  component.constant = constant;
  component.address = align_up(output.buffer_bytes, component_alignment);
  output.buffer_bytes = component.address + component.bytes;
  output.component_count += 1;
  plan_.components.push_back(std::move(component));
}

std::uint64_t Drafter::add_constant(const void* bytes, std::size_t count) {
  const std::uint64_t begin = plan_.constants.size();
  plan_.constants.resize(begin + count);
  std::memcpy(plan_.constants.data() + begin, bytes, count);
  return begin;
}

/// Blocks stay blocks only as they are.
Expected<void> Drafter::check_kept(const OutputTensor& output, const views::View& view) const {
  const PackedSource& source = packed_source(view, 0);
  const std::uint64_t row = output.shape.empty() ? 1 : output.shape.back();
  const bool whole = row % source.packing.elements == 0;
  if (whole && view.is_contiguous() && source.stored.map == codecs::ElementMap::none) return {};
  return fail(ErrorCode::unsupported,
              "blocks of " + std::string(codecs::ggml::traits_of(source.stored.type).name) +
                  " cannot be rearranged or changed, only decoded",
              "", output.name);
}

void Drafter::find_scales() {
  plan_.scales.resize(catalogue_.tensors.size());
  for (std::size_t i = 0; i < blueprints_.scales.size(); ++i) {
    if (!blueprints_.scales[i]) continue;
    const TileScales& tiles = *blueprints_.scales[i];
    const io::Shape& shape = catalogue_.tensors[i].shape;
    const io::TensorEntry& stored = catalogue_.tensors[tiles.tensor];
    plan_.scales[i] =
        SourceScales{{shape[shape.size() - 2], shape.back(), tiles.tile_rows, tiles.tile_columns},
                     stored.dtype,
                     tiles.tensor,
                     stored.file,
                     stored.offset};
  }
}

void Drafter::place_outputs() {
  std::vector<Placeable> placeable;
  placeable.reserve(plan_.outputs.size());
  for (const OutputTensor& output : plan_.outputs) {
    placeable.push_back({output.name, output.buffer_bytes});
  }
  const auto devices =
      place_by_layers(placeable, static_cast<std::uint16_t>(request_.devices.size()));
  for (std::size_t i = 0; i < devices.size(); ++i) plan_.outputs[i].device = devices[i];
  plan_.devices.resize(request_.devices.size());
  for (std::size_t i = 0; i < plan_.devices.size(); ++i) {
    plan_.devices[i].name = request_.devices[i];
  }
  lay_out_arenas();
}

/// In an arena a tensor's components stand side by side, tensors in ticket order. An output buffer
/// of a consumer begins with its tensor, so there the addresses made by add_component stay.
void Drafter::lay_out_arenas() {
  for (OutputTensor& output : plan_.outputs) {
    DeviceLine& device = plan_.devices[output.device];
    const std::uint64_t begin = align_up(device.final_bytes, component_alignment);
    device.final_bytes = begin + output.buffer_bytes;
    if (plan_.sink == Sink::consumer) continue;
    for (std::uint32_t i = 0; i < output.component_count; ++i) {
      plan_.components[output.first_component + i].address += begin;
    }
  }
}

SizedTensor Drafter::sized(std::uint32_t index) const {
  const views::View& view = plan_.views[index];
  return {&plan_.outputs[index], &view, works_[index], &plan_.scales, !view.is_made_of_runs()};
}

Expected<void> Drafter::fit_budget() {
  std::vector<SizedTensor> tensors;
  tensors.reserve(plan_.outputs.size());
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) tensors.push_back(sized(i));
  std::vector<std::uint64_t> finals;
  for (const DeviceLine& device : plan_.devices) finals.push_back(device.final_bytes);
  auto fitted = fit_to_budget(tensors, finals, request_);
  if (!fitted) return fail(fitted.error());
  sizes_ = std::move(*fitted);
  plan_.unit_bytes = sizes_.unit_bytes;
  plan_.smallest_load_line = sizes_.smallest_load_line;
  plan_.direct_allowed = sizes_.direct_allowed;
  return {};
}

Expected<void> Drafter::cut_units() {
  UnitCutter cutter(catalogue_, works_, sizes_, plan_);
  if (auto counted = cutter.check_count(); !counted) return counted;
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) {
    if (auto cut = cutter.cut(i); !cut) return cut;
  }
  return {};
}

void Drafter::measure_devices() {
  for (std::size_t i = 0; i < plan_.devices.size(); ++i) {
    const std::string name = std::move(plan_.devices[i].name);
    plan_.devices[i] = sizes_.devices[i];
    plan_.devices[i].name = name;
  }
  std::vector<std::uint32_t> states(plan_.devices.size(), 0);
  for (OutputTensor& output : plan_.outputs) {
    plan_.devices[output.device].units += output.unit_count;
    if (output.merge == Merge::two_pass) output.state = states[output.device]++;
  }
}

Expected<void> Drafter::lay_out_files() {
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) {
    const OutputTensor& output = plan_.outputs[i];
    for (std::uint32_t c = 0; c < output.component_count; ++c) {
      const Component& component = plan_.components[output.first_component + c];
      plan_.stored.push_back({stored_name(output, component), component.dtype, component.shape,
                              component.bytes, i, false});
    }
  }
  if (request_.gguf) return lay_out_gguf_files(*request_.gguf, plan_);
  plan_.layout = io::lay_out_shards(plan_.stored, request_.shard_bytes);
  for (std::size_t i = 0; i < plan_.components.size(); ++i) {
    plan_.components[i].address = plan_.layout.places[i].offset;
    plan_.components[i].shard = plan_.layout.places[i].shard;
  }
  return {};
}

}  // namespace

Expected<Plan> make_plan(const io::Catalogue& catalogue, Blueprints blueprints,
                         const PlanRequest& request) {
  return Drafter(catalogue, std::move(blueprints), request).draft();
}

std::string stored_name(const OutputTensor& output, const Component& component) {
  switch (component.role) {
    case Role::absmax:
      return output.name + ".absmax";
    case Role::quant_map:
      return output.name + ".quant_map";
    case Role::quant_state:
      return output.name + ".quant_state.bitsandbytes__nf4";
    case Role::scale:
      return output.name + "_scale_inv";
    case Role::data:
      break;
  }
  return output.name;
}

}  // namespace plimsoll::plan
