#include "plan/make_plan.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "codecs/nf4.hpp"
#include "io/byte_source.hpp"
#include "io/quant_state.hpp"
#include "plan/align.hpp"
#include "plan/budget.hpp"
#include "plan/pieces.hpp"
#include "plan/placement.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {
namespace {

std::string_view torch_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f16:
      return "float16";
    case Dtype::bf16:
      return "bfloat16";
    default:
      return "float32";
  }
}

/// Builds the parts of one plan in the order in which each needs the ones before.
class Drafter {
 public:
  Drafter(const io::Catalogue& catalogue, const PlanRequest& request)
      : catalogue_(catalogue), request_(request) {
    plan_.sink = request.sink;
  }

  Expected<Plan> draft() {
    if (auto valid = check_request(); !valid) return fail(valid.error());
    if (auto made = make_outputs(); !made) return fail(made.error());
    place_outputs();
    if (auto fitted = fit_budget(); !fitted) return fail(fitted.error());
    if (auto cut = cut_units(); !cut) return fail(cut.error());
    measure_devices();
    if (request_.sink == Sink::checkpoint) lay_out_files();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Expected<void> check_request() const;
  Expected<void> make_outputs();
  void add_components(OutputTensor& output);
  void add_component(OutputTensor& output, Role role, Dtype dtype, io::Shape shape,
                     std::uint64_t constant);
  std::uint64_t add_constant(const void* bytes, std::size_t count);
  void place_outputs();
  void lay_out_arenas();
  Expected<void> fit_budget();
  Expected<void> cut_units();
  [[nodiscard]] std::uint64_t unit_total() const;
  void cut_output(std::uint32_t index);
  void measure_devices();
  void lay_out_files();

  const io::Catalogue& catalogue_;
  const PlanRequest& request_;
  Plan plan_;
  std::uint64_t nf4_map_ = no_constant;  // one copy of the map serves all tensors
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
  if (request_.formats.size() != catalogue_.tensors.size()) {
    return refuse("the recipe does not have one format for every tensor");
  }
  if (request_.slots < 1 || request_.slots > most_slots) {
    return refuse("slots must be 1 to " + std::to_string(most_slots));
  }
  if (request_.unit_bytes < 1 || request_.unit_bytes > largest_unit_bytes) {
    return refuse("unit bytes must be 1 to " + std::to_string(largest_unit_bytes));
  }
  std::uint64_t room = most_source_bytes;
  for (const io::TensorEntry& entry : catalogue_.tensors) {
    if (entry.bytes > room) {
      return fail(ErrorCode::unsupported,
                  "the tensors up to this one have more than " + std::to_string(most_source_bytes) +
                      " bytes",
                  catalogue_.files[entry.file].path, entry.name);
    }
    room -= entry.bytes;
  }
  return {};
}

Expected<void> Drafter::make_outputs() {
  plan_.outputs.reserve(catalogue_.tensors.size());
  for (std::uint32_t i = 0; i < catalogue_.tensors.size(); ++i) {
    const io::TensorEntry& entry = catalogue_.tensors[i];
    const codecs::Format& format = request_.formats[i];
    if (!can_make(entry.dtype, format)) {
      return fail(ErrorCode::unsupported,
                  "the asked-for format cannot be made from " + std::string(name_of(entry.dtype)),
                  catalogue_.files[entry.file].path, entry.name);
    }
    OutputTensor output;
    output.name = entry.name;
    output.source_dtype = entry.dtype;
    output.shape = entry.shape;
    output.format = format;
    output.source = i;
    output.file = entry.file;
    output.dtype = codecs::is_cast(format.kind) ? codecs::cast_dtype(format.kind)
                                                : work_for(entry.dtype, format).working;
    add_components(output);
    plan_.outputs.push_back(std::move(output));
  }
  return {};
}

void Drafter::add_components(OutputTensor& output) {
  output.first_component = static_cast<std::uint32_t>(plan_.components.size());
  if (!codecs::is_quantized(output.format.kind)) {
    add_component(output, Role::data, output.dtype, output.shape, no_constant);
    return;
  }
  const std::uint64_t elements = io::element_count(output.shape);
  const std::uint64_t block = output.format.blocksize;
  if (nf4_map_ == no_constant) {
    nf4_map_ = add_constant(codecs::nf4_values.data(), sizeof(codecs::nf4_values));
  }
  const std::string state = io::quant_state_json(
      {"nf4", output.format.blocksize, torch_name(output.dtype), output.shape});
  add_component(output, Role::data, Dtype::u8, {elements / 2 + elements % 2, 1}, no_constant);
  add_component(output, Role::absmax, Dtype::f32, {elements / block + (elements % block != 0)},
                no_constant);
  add_component(output, Role::quant_map, Dtype::f32, {codecs::nf4_values.size()}, nf4_map_);
  add_component(output, Role::quant_state, Dtype::u8, {state.size()},
                add_constant(state.data(), state.size()));
}

void Drafter::add_component(OutputTensor& output, Role role, Dtype dtype, io::Shape shape,
                            std::uint64_t constant) {
  Component component;
  component.role = role;
  component.dtype = dtype;
  component.bytes = dtype == output.source_dtype && role == Role::data
                        ? catalogue_.tensors[output.source].bytes
                        : io::element_count(shape) * (bits_of(dtype) / 8);
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

Expected<void> Drafter::fit_budget() {
  std::vector<SizedTensor> tensors;
  tensors.reserve(plan_.outputs.size());
  for (const OutputTensor& output : plan_.outputs) {
    tensors.push_back({output.source_dtype, work_for(output.source_dtype, output.format),
                       catalogue_.tensors[output.source].bytes, output.buffer_bytes, output.device,
                       output.format});
  }
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
  const std::uint64_t total = unit_total();
  if (total > most_units) {
    return fail(ErrorCode::invalid_argument, "units of " + std::to_string(plan_.unit_bytes) +
                                                 " bytes are too small: there would be " +
                                                 std::to_string(total) + " of them, more than " +
                                                 std::to_string(most_units));
  }
  plan_.units.reserve(total);
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) cut_output(i);
  return {};
}

std::uint64_t Drafter::unit_total() const {
  std::uint64_t total = 0;
  for (const OutputTensor& output : plan_.outputs) {
    const Work work = work_for(output.source_dtype, output.format);
    const std::uint64_t elements =
        work_elements(output.source_dtype, work, catalogue_.tensors[output.source].bytes);
    const std::uint64_t step = unit_elements(output.source_dtype, work, plan_.unit_bytes);
    total += std::max<std::uint64_t>(elements / step + (elements % step != 0), 1);
  }
  return total;
}

void Drafter::cut_output(std::uint32_t index) {
  OutputTensor& output = plan_.outputs[index];
  const io::TensorEntry& entry = catalogue_.tensors[output.source];
  const Work work = work_for(entry.dtype, output.format);
  const std::uint64_t element = is_kept(work) ? 1 : bits_of(entry.dtype) / 8;
  const std::uint64_t total = work_elements(entry.dtype, work, entry.bytes);
  const std::uint64_t step = unit_elements(entry.dtype, work, plan_.unit_bytes);

  output.first_unit = static_cast<std::uint32_t>(plan_.units.size());
  std::uint64_t begin = 0;
  do {  // an empty tensor still has one unit, so that its end is noticed like any other's
    Unit unit;
    unit.output = index;
    unit.route = work.route;
    unit.first_element = begin;
    unit.elements = std::min(step, total - begin);
    unit.source_offset = entry.offset + begin * element;
    unit.source_bytes = unit.elements * element;
    const bool lands_in_buffer = !is_kept(work) || plan_.sink == Sink::checkpoint;
    const std::uint64_t width = std::max<std::uint64_t>(bits_of(entry.dtype) / 8, 1);
    if (lands_in_buffer && unit.source_offset % width == 0) {
      unit.landing = static_cast<std::uint32_t>(unit.source_offset % io::direct_alignment);
      unit.padded = true;
    }
    plan_.units.push_back(unit);
    begin += unit.elements;
  } while (begin < total);
  output.unit_count = static_cast<std::uint32_t>(plan_.units.size()) - output.first_unit;
}

void Drafter::measure_devices() {
  for (std::size_t i = 0; i < plan_.devices.size(); ++i) {
    const std::string name = std::move(plan_.devices[i].name);
    plan_.devices[i] = sizes_.devices[i];
    plan_.devices[i].name = name;
  }
  for (const Unit& unit : plan_.units) plan_.devices[plan_.outputs[unit.output].device].units += 1;
}

void Drafter::lay_out_files() {
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) {
    const OutputTensor& output = plan_.outputs[i];
    for (std::uint32_t c = 0; c < output.component_count; ++c) {
      const Component& component = plan_.components[output.first_component + c];
      plan_.stored.push_back({stored_name(output, component), component.dtype, component.shape,
                              component.bytes, i, false});
    }
  }
  plan_.layout = io::lay_out_shards(plan_.stored, request_.shard_bytes);
  for (std::size_t i = 0; i < plan_.components.size(); ++i) {
    plan_.components[i].address = plan_.layout.places[i].offset;
    plan_.components[i].shard = plan_.layout.places[i].shard;
  }
}

}  // namespace

Expected<Plan> make_plan(const io::Catalogue& catalogue, const PlanRequest& request) {
  return Drafter(catalogue, request).draft();
}

std::string stored_name(const OutputTensor& output, const Component& component) {
  switch (component.role) {
    case Role::absmax:
      return output.name + ".absmax";
    case Role::quant_map:
      return output.name + ".quant_map";
    case Role::quant_state:
      return output.name + ".quant_state.bitsandbytes__nf4";
    case Role::data:
      break;
  }
  return output.name;
}

}  // namespace plimsoll::plan
