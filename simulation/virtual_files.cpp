#include "simulation/virtual_files.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "simulation/virtual_experts.hpp"

namespace plimsoll::simulation {
namespace {

/// Weights of real checkpoints first; the rest is there so that no dtype is forgotten.
Dtype draw_dtype(Choices& choices) {
  static constexpr Dtype usual[] = {Dtype::bf16, Dtype::bf16, Dtype::f16, Dtype::f32};
  static constexpr Dtype decoded[] = {Dtype::f64, Dtype::f8_e4m3, Dtype::f8_e5m2,
                                      Dtype::f8_e4m3fnuz, Dtype::f8_e5m2fnuz};
  static constexpr Dtype kept[] = {Dtype::boolean, Dtype::u8,  Dtype::i8,     Dtype::i16,
                                   Dtype::u16,     Dtype::i32, Dtype::u32,    Dtype::i64,
                                   Dtype::u64,     Dtype::c64, Dtype::f4_e2m1};
  const std::uint64_t kind = choices.below(100);
  if (kind < 65) return choices.one_of(usual);
  return kind < 85 ? choices.one_of(decoded) : choices.one_of(kept);
}

io::Shape draw_shape(Choices& choices) {
  switch (choices.below(16)) {
    case 0:
      return {};
    case 1:
      return {0, choices.between(1, 9)};
    case 2:
      return {choices.between(1, 3000)};
    case 3:
      return {choices.between(1, 5), choices.between(1, 9), choices.between(1, 9)};
    default:
      return {choices.between(1, 40), choices.between(1, 40)};
  }
}

std::string draw_name(Choices& choices, std::size_t index) {
  static constexpr const char* modules[] = {"self_attn.q_proj.weight", "mlp.up_proj.weight",
                                            "input_layernorm.weight", "mlp.gate.bias"};
  std::string name = "model.";
  if (choices.chance(80))
    name.append("layers.").append(std::to_string(choices.below(4))).append(".");
  return name.append("tensor")
      .append(std::to_string(index))
      .append(".")
      .append(choices.one_of(modules));
}

/// Bytes between the end of one tensor and the start of the next.
std::uint64_t draw_gap(Choices& choices) {
  const std::uint64_t kind = choices.below(10);
  if (kind < 6) return 0;
  if (kind < 8) return choices.between(1, 70);
  return choices.between(1, 300) * 8;
}

void fill_with_any_bits(Choices& choices, std::byte* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; i += sizeof(std::uint64_t)) {
    const std::uint64_t bits = choices.next();
    std::memcpy(bytes + i, &bits, std::min(sizeof bits, count - i));
  }
}

/// Bounds every float's exponent, so that most numbers are ordinary ones.
void tame_exponents(Dtype dtype, std::byte* bytes, std::size_t count) {
  const std::size_t width = bits_of(dtype) / 8;
  if (!is_floating_point(dtype) || width < 2) return;
  // The upper two exponent bits of each 16-bit and wider float lie in its last byte.
  for (std::size_t i = width - 1; i < count; i += width) {
    bytes[i] = (bytes[i] & std::byte{0x83}) | std::byte{0x3C};
  }
}

WantedTensor draw_tensor(Choices& choices, std::size_t index) {
  WantedTensor tensor;
  tensor.name = draw_name(choices, index);
  tensor.dtype = draw_dtype(choices);
  tensor.shape = draw_shape(choices);
  const std::uint64_t elements = io::element_count(tensor.shape);
  if (bits_of(tensor.dtype) < 8 && elements % 2 != 0) {
    tensor.shape = {elements + 1};  // a sub-byte tensor fills its bytes
  }
  return tensor;
}

void add_tensor(Choices& choices, VirtualFiles& files, const WantedTensor& tensor) {
  io::TensorEntry entry;
  entry.name = tensor.name;
  entry.dtype = tensor.dtype;
  entry.shape = tensor.shape;
  entry.bytes = io::element_count(entry.shape) * bits_of(entry.dtype) / 8;
  entry.file = static_cast<std::uint32_t>(files.contents.size() - 1);
  std::vector<std::byte>& content = files.contents.back();
  entry.offset = content.size() + draw_gap(choices);
  content.resize(entry.offset + entry.bytes);
  fill_with_any_bits(choices, content.data() + entry.offset, entry.bytes);
  if (!choices.chance(10)) {
    tame_exponents(entry.dtype, content.data() + entry.offset, entry.bytes);
  }
  files.catalogue.tensors.push_back(std::move(entry));
}

/// The order of the tensors in the files: as they were drawn, or any.
std::vector<std::uint32_t> draw_order(Choices& choices, std::size_t tensors) {
  std::vector<std::uint32_t> order(tensors);
  std::iota(order.begin(), order.end(), 0u);
  if (choices.chance(30)) return order;
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[choices.below(i)]);
  }
  return order;
}

/// Wanted tensors are named by their number, those of a catalogue by their place.
void rename(const std::vector<std::uint32_t>& order, const std::vector<WantedTensor>& wanted,
            VirtualFiles& files) {
  std::vector<std::uint32_t> place(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (Experts& experts : files.experts) {
    for (ExpertWeight* weight : {&experts.gate, &experts.up, &experts.down}) {
      for (std::uint32_t& tensor : weight->tensors) tensor = place[tensor];
    }
  }
  for (const std::uint32_t tensor : order) {
    auto& scales = files.scales.emplace_back(wanted[tensor].scales);
    if (scales) scales->tensor = place[scales->tensor];
  }
}

}  // namespace

VirtualFiles draw_files(Choices& choices) {
  VirtualFiles files;
  std::vector<WantedTensor> wanted;
  const bool has_experts = choices.chance(60);
  const std::uint64_t plain = choices.chance(2) ? 0 : choices.between(1, has_experts ? 6 : 16);
  for (std::uint64_t i = 0; i < plain; ++i) wanted.push_back(draw_tensor(choices, i));
  if (has_experts) {
    const std::uint64_t layers = choices.chance(75) ? 1 : 2;
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
      files.experts.push_back(draw_experts(choices, layer, wanted));
    }
  }
  const std::vector<std::uint32_t> order = draw_order(choices, wanted.size());
  const std::uint64_t file_count = choices.between(1, 3);
  std::size_t index = 0;
  for (std::uint64_t file = 1; file <= file_count; ++file) {
    files.contents.emplace_back(8 * choices.between(1, 600));
    const std::uint64_t end = file * order.size() / file_count;
    while (index < end) add_tensor(choices, files, wanted[order[index++]]);
    files.contents.back().resize(files.contents.back().size() + draw_gap(choices));
    files.catalogue.files.push_back(
        {"virtual-" + std::to_string(file) + ".safetensors", files.contents.back().size()});
  }
  rename(order, wanted, files);
  return files;
}

}  // namespace plimsoll::simulation
