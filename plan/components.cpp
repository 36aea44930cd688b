#include "plan/components.hpp"

#include <cstring>
#include <utility>

#include "codecs/fp8.hpp"
#include "codecs/nf4.hpp"
#include "codecs/torch_dtype.hpp"
#include "io/quant_state.hpp"
#include "plan/align.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {

void ComponentMaker::make(OutputTensor& output) {
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
  add(output, Role::data, output.dtype, output.shape, elements * bits_of(output.dtype) / 8);
}

void ComponentMaker::make_known(OutputTensor& output, std::span<const float> values) {
  output.first_component = static_cast<std::uint32_t>(plan_.components.size());
  add(output, Role::data, Dtype::f32, output.shape, values.size_bytes(),
      add_constant(values.data(), values.size_bytes()));
}

/// Rows of blocks, for readers that know no blocks: rows of bytes.
void ComponentMaker::add_blocks(OutputTensor& output) {
  io::Shape rows = output.shape;
  rows.back() = stored_bytes(output.made, rows.back());
  const std::uint64_t bytes = io::element_count(rows);
  add(output, Role::data, Dtype::u8, std::move(rows), bytes);
}

void ComponentMaker::add_nf4(OutputTensor& output) {
  const std::uint64_t elements = io::element_count(output.shape);
  const std::uint64_t blocks =
      elements / output.format.blocksize + (elements % output.format.blocksize != 0);
  const std::uint64_t packed = elements / 2 + elements % 2;
  if (nf4_map_ == no_constant) {
    nf4_map_ = add_constant(codecs::nf4_values.data(), sizeof(codecs::nf4_values));
  }
  const Constant state = nf4_state(output);
  add(output, Role::data, Dtype::u8, {packed, 1}, packed);
  add(output, Role::absmax, Dtype::f32, {blocks}, blocks * sizeof(float));
  add(output, Role::quant_map, Dtype::f32, {codecs::nf4_values.size()}, sizeof(codecs::nf4_values),
      nf4_map_);
  add(output, Role::quant_state, Dtype::u8, {state.bytes}, state.bytes, state.begin);
}

/// Tensors of one shape and format share a state.
ComponentMaker::Constant ComponentMaker::nf4_state(const OutputTensor& output) {
  const auto key = std::make_tuple(output.dtype, output.format.blocksize, output.shape);
  const auto known = nf4_states_.find(key);
  if (known != nf4_states_.end()) return known->second;
  const std::string state = io::quant_state_json(
      {"nf4", output.format.blocksize, codecs::torch_name(output.dtype), output.shape});
  const Constant constant{add_constant(state.data(), state.size()), state.size()};
  nf4_states_.emplace(key, constant);
  return constant;
}

void ComponentMaker::add_fp8(OutputTensor& output) {
  const std::uint64_t elements = io::element_count(output.shape);
  add(output, Role::data, Dtype::f8_e4m3, output.shape, elements);
  if (output.format.kind == codecs::FormatKind::fp8_tensor) {
    // Of an empty tensor there is nothing to scale, and no unit that would write it.
    const float one = 1.0f;
    add(output, Role::scale, Dtype::f32, {}, sizeof(float),
        elements == 0 ? add_constant(&one, sizeof one) : no_constant);
    return;
  }
  io::Shape grid = output.shape;
  for (std::size_t i = grid.size() - 2; i < grid.size(); ++i) {
    grid[i] = grid[i] / codecs::fp8_tile + (grid[i] % codecs::fp8_tile != 0);
  }
  const std::uint64_t scales = elements == 0 ? 0 : io::element_count(grid);
  const bool exponents = output.format.scale == codecs::Fp8Scale::ue8m0;
  add(output, Role::scale, exponents ? Dtype::f8_e8m0 : Dtype::f32, std::move(grid),
      scales * scale_width(output.format));
}

void ComponentMaker::add(OutputTensor& output, Role role, Dtype dtype, io::Shape shape,
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

std::uint64_t ComponentMaker::add_constant(const void* bytes, std::size_t count) {
  const std::uint64_t begin = plan_.constants.size();
  plan_.constants.resize(begin + count);
  std::memcpy(plan_.constants.data() + begin, bytes, count);
  return begin;
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
