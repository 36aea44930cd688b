#include "simulation/virtual_gguf.hpp"

#include <string>
#include <utility>

#include "codecs/ggml/encode.hpp"

namespace plimsoll::simulation {
namespace {

using codecs::ElementMap;
using codecs::ggml::Type;

/// Rows of so many elements are whole blocks of every type, or of those with small blocks.
constexpr std::uint64_t wide_row = 256;
constexpr std::uint64_t narrow_row = 64;

Type draw_type(Choices& choices, bool wide) {
  static constexpr Type narrow_types[] = {Type::q8_0, Type::q4_0,   Type::q4_1,  Type::q5_0,
                                          Type::q5_1, Type::iq4_nl, Type::mxfp4, Type::nvfp4};
  static constexpr Type wide_types[] = {Type::q2_k,    Type::q3_k,   Type::q4_k,  Type::q5_k,
                                        Type::q6_k,    Type::iq4_xs, Type::iq3_s, Type::iq1_s,
                                        Type::iq2_xxs, Type::tq1_0,  Type::tq2_0, Type::q1_0,
                                        Type::iq4_nl,  Type::q8_0,   Type::mxfp4, Type::nvfp4};
  return wide ? choices.one_of(wide_types) : choices.one_of(narrow_types);
}

/// Logarithms of numbers that are mostly positive are mostly NaN, which hides mistakes.
ElementMap draw_map(Choices& choices) {
  static constexpr ElementMap maps[] = {ElementMap::subtract_one, ElementMap::subtract_one,
                                        ElementMap::add_one,      ElementMap::add_one_in_f16,
                                        ElementMap::negate_exp,   ElementMap::log_negate};
  return choices.one_of(maps);
}

/// What the file holds of a floating-point tensor.
void draw_storage(Choices& choices, WantedTensor& tensor, unsigned swapped, unsigned mapped) {
  tensor.swapped = choices.chance(swapped);
  if (choices.chance(mapped)) tensor.map = draw_map(choices);
}

io::Shape draw_shape(Choices& choices, std::uint64_t row, std::uint64_t most_rows) {
  switch (choices.below(6)) {
    case 0:
      return {row};
    case 1:
    case 2:
      return {choices.between(1, 4), choices.between(1, 4), row};
    default:
      return {choices.between(1, most_rows), row};
  }
}

/// The stored axes in any order; blocks lie along the last one, which stays where it is. Sometimes
/// the shape has the first two as one.
void reorder(Choices& choices, WantedTensor& tensor) {
  if (tensor.shape.size() < 2) return;
  io::StoredOrder order{tensor.shape, {}};
  for (std::uint32_t i = 0; i < tensor.shape.size(); ++i) order.axes.push_back(i);
  for (std::size_t i = order.axes.size() - (tensor.blocks ? 1 : 0); i > 1; --i) {
    std::swap(order.axes[i - 1], order.axes[choices.below(i)]);
  }
  for (std::size_t i = 0; i < order.axes.size(); ++i) {
    tensor.shape[i] = order.stored[order.axes[i]];
  }
  if (tensor.shape.size() == 3 && choices.chance(50)) {
    tensor.shape = {tensor.shape[0] * tensor.shape[1], tensor.shape[2]};
  }
  tensor.order = std::move(order);
}

std::string draw_name(Choices& choices, std::size_t index) {
  std::string name;
  if (choices.chance(80)) name.append("blk.").append(std::to_string(choices.below(12))).append(".");
  return name.append("tensor").append(std::to_string(index)).append(".weight");
}

/// Only kept, whatever their byte order.
void draw_integers(Choices& choices, WantedTensor& tensor) {
  static constexpr Dtype dtypes[] = {Dtype::i8, Dtype::i16, Dtype::i32, Dtype::i64};
  tensor.dtype = choices.one_of(dtypes);
  tensor.shape = {choices.between(1, 200)};
  tensor.swapped = choices.chance(30);
}

}  // namespace

WantedTensor draw_gguf_tensor(Choices& choices, std::size_t index) {
  static constexpr Dtype plain[] = {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f64};
  WantedTensor tensor;
  tensor.name = draw_name(choices, index);
  const std::uint64_t kind = choices.below(100);
  if (kind < 8) {
    draw_integers(choices, tensor);
    return tensor;
  }
  if (kind < 35) {
    tensor.dtype = choices.one_of(plain);
    tensor.shape = draw_shape(choices, choices.between(1, 60), 30);
  } else {
    const bool wide = choices.chance(50);
    tensor.blocks = draw_type(choices, wide);
    const std::uint64_t row =
        wide ? wide_row * choices.between(1, 2)
             : codecs::ggml::traits_of(*tensor.blocks).block_elements * choices.between(1, 4);
    tensor.shape = draw_shape(choices, row, wide ? 8 : 20);
  }
  draw_storage(choices, tensor, 20, 15);
  if (choices.chance(20)) reorder(choices, tensor);
  return tensor;
}

Experts draw_gguf_experts(Choices& choices, std::uint32_t layer,
                          std::vector<WantedTensor>& wanted) {
  static constexpr Dtype dtypes[] = {Dtype::f32, Dtype::f32, Dtype::f32, Dtype::f16, Dtype::bf16};
  const Dtype dtype = choices.one_of(dtypes);
  const bool wide = choices.chance(50);
  const bool merged = choices.chance(30);
  const bool alike = choices.chance(40);
  const std::uint64_t experts = choices.between(1, 6);
  const Type common = draw_type(choices, wide);
  const std::string name = "blk." + std::to_string(layer) + ".experts.";
  const auto add = [&](std::string tensor_name, io::Shape shape) {
    WantedTensor tensor{std::move(tensor_name), dtype, std::move(shape)};
    if (dtype == Dtype::f32 && (alike || choices.chance(85))) {
      tensor.blocks = alike ? common : draw_type(choices, wide);
    }
    draw_storage(choices, tensor, 10, 5);
    wanted.push_back(std::move(tensor));
    return static_cast<std::uint32_t>(wanted.size() - 1);
  };
  const auto weight = [&](const std::string& projection, std::uint64_t rows, std::uint64_t row) {
    ExpertWeight made{name + projection, merged, {}};
    for (std::uint64_t i = 0; i < (merged ? 1 : experts); ++i) {
      made.tensors.push_back(
          merged ? add(made.name, {experts, rows, row})
                 : add(name + std::to_string(i) + "." + projection + ".weight", {rows, row}));
    }
    return made;
  };
  const std::uint64_t row = (wide ? wide_row : narrow_row) * choices.between(1, 2);
  const std::uint64_t rows = choices.between(1, 5);
  Experts made;
  made.gate = weight("gate_proj", rows, row);
  made.up = weight("up_proj", rows, row);
  made.down = weight("down_proj", choices.between(1, 5), row);
  return made;
}

void fill_with_blocks(Choices& choices, Type type, std::byte* blocks, std::size_t count) {
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(type);
  if (type == Type::iq3_s || type == Type::iq2_xxs || type == Type::iq1_s) {
    // Their codes mean something whatever they are, and are slow to find. An F16 scale is first.
    for (std::size_t i = 0; i < count * traits.block_bytes; ++i) {
      blocks[i] = static_cast<std::byte>(choices.next());
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::byte& exponent = blocks[i * traits.block_bytes + 1];
      exponent = (exponent & std::byte{0x83}) | std::byte{0x24};
    }
    return;
  }
  std::vector<float> numbers(count * traits.block_elements);
  for (float& number : numbers) {
    number = (static_cast<float>(choices.below(2001)) - 1000.0f) / 256.0f;
  }
  codecs::ggml::Rows rows;
  rows.source = reinterpret_cast<const std::byte*>(numbers.data());
  rows.count = 1;
  rows.columns = numbers.size();
  codecs::ggml::encode(type, rows, blocks);
}

}  // namespace plimsoll::simulation
