#include "plan/make_plan.hpp"

#include <limits>
#include <utility>

#include "io/name_index.hpp"
#include "plan/align.hpp"
#include "plan/budget.hpp"
#include "plan/components.hpp"
#include "plan/describe_outputs.hpp"
#include "plan/packed_sources.hpp"
#include "plan/placement.hpp"
#include "plan/unit_cutter.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {
namespace {

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
    auto works = describe_outputs(catalogue_, blueprints_, request_, plan_);
    if (!works) return fail(works.error());
    works_ = std::move(*works);
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
  void find_scales();
  void place_outputs();
  void lay_out_arenas();
  [[nodiscard]] SizedTensor sized(std::uint32_t output) const;
  Expected<void> fit_budget();
  Expected<void> cut_units();
  void measure_devices();
  Expected<void> lay_out_files();
  [[nodiscard]] Expected<void> check_stored_names() const;

  const io::Catalogue& catalogue_;
  Blueprints blueprints_;
  const PlanRequest& request_;
  Plan plan_;
  std::vector<Work> works_;  // one an output
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

/// A tensor of the source may be called what the header, or a scale of another tensor, is called.
Expected<void> Drafter::check_stored_names() const {
  std::vector<std::string_view> names = {"__metadata__"};
  names.reserve(names.size() + plan_.stored.size());
  for (const io::StoredTensor& tensor : plan_.stored) names.push_back(tensor.name);
  const auto twice = io::NameIndex(names).duplicate();
  if (!twice) return {};
  const io::StoredTensor& tensor = plan_.stored[*twice - 1];
  const views::View& view = plan_.views[tensor.group];
  std::string file;
  if (view.box_count() > 0) {
    file = catalogue_.files[catalogue_.tensors[view.source(0)].file].path;
  }
  return fail(ErrorCode::unsupported, "the name is taken in the header of the result",
              std::move(file), tensor.name);
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
  if (auto checked = check_stored_names(); !checked) return fail(checked.error());
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

}  // namespace plimsoll::plan
