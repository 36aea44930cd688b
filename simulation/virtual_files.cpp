#include "simulation/virtual_files.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "codecs/ggml/decode.hpp"
#include "codecs/ggml/plain.hpp"
#include "simulation/virtual_experts.hpp"
#include "simulation/virtual_gguf.hpp"

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
  switch (choices.below(18)) {
    case 0:
      return {};
    case 1:
      return {0, choices.between(1, 9)};
    case 2:
      return {choices.between(1, 3000)};
    case 3:
      return {choices.between(1, 5), choices.between(1, 9), choices.between(1, 9)};
    case 4:
    case 5:  // rows that are whole blocks of ggml's types
      return {choices.between(1, 9), choices.chance(70) ? 32 * choices.between(1, 6) : 256};
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

std::uint64_t bytes_of(const WantedTensor& tensor) {
  const std::uint64_t elements = io::element_count(tensor.shape);
  if (!tensor.blocks) return elements * bits_of(tensor.dtype) / 8;
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(*tensor.blocks);
  return elements / traits.block_elements * traits.block_bytes;
}

void fill(Choices& choices, const WantedTensor& tensor, std::byte* bytes, std::size_t count) {
  const bool ordinary = !choices.chance(10);
  if (ordinary && tensor.blocks) {
    const codecs::ggml::Traits& traits = codecs::ggml::traits_of(*tensor.blocks);
    fill_with_blocks(choices, traits.type, bytes, count / traits.block_bytes);
  } else {
    fill_with_any_bits(choices, bytes, count);
    if (ordinary) tame_exponents(tensor.dtype, bytes, count);
  }
  if (!tensor.swapped) return;
  const auto type = tensor.blocks ? *tensor.blocks : *codecs::ggml::plain_type_of(tensor.dtype);
  codecs::ggml::swap_byte_order(type, bytes, count / codecs::ggml::traits_of(type).block_bytes);
}

void add_tensor(Choices& choices, VirtualFiles& files, const WantedTensor& tensor) {
  io::TensorEntry entry;
  entry.name = tensor.name;
  entry.dtype = tensor.dtype;
  entry.shape = tensor.shape;
  entry.bytes = bytes_of(tensor);
  entry.file = static_cast<std::uint32_t>(files.contents.size() - 1);
  entry.blocks = tensor.blocks;
  entry.swapped = tensor.swapped;
  entry.map = tensor.map;
  if (tensor.order) {
    files.catalogue.orders.push_back(*tensor.order);
    entry.order = static_cast<std::uint32_t>(files.catalogue.orders.size());
  }
  std::vector<std::byte>& content = files.contents.back();
  entry.offset = content.size() + draw_gap(choices);
  content.resize(entry.offset + entry.bytes);
  fill(choices, tensor, content.data() + entry.offset, entry.bytes);
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

std::vector<WantedTensor> draw_wanted(Choices& choices, bool gguf, std::vector<Experts>& experts) {
  std::vector<WantedTensor> wanted;
  const bool has_experts = choices.chance(60);
  const std::uint64_t plain = choices.chance(2) ? 0 : choices.between(1, has_experts ? 6 : 16);
  for (std::uint64_t i = 0; i < plain; ++i) {
    wanted.push_back(gguf ? draw_gguf_tensor(choices, i) : draw_tensor(choices, i));
  }
  if (!has_experts) return wanted;
  const std::uint64_t layers = choices.chance(75) ? 1 : 2;
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    experts.push_back(gguf ? draw_gguf_experts(choices, layer, wanted)
                           : draw_experts(choices, layer, wanted));
  }
  return wanted;
}

}  // namespace

VirtualFiles draw_files(Choices& choices) {
  VirtualFiles files;
  const bool gguf = choices.chance(25);
  if (gguf) files.catalogue.format = io::ContainerFormat::gguf;
  const std::vector<WantedTensor> wanted = draw_wanted(choices, gguf, files.experts);
  const std::vector<std::uint32_t> order = draw_order(choices, wanted.size());
  const std::uint64_t file_count = choices.between(1, 3);
  std::size_t index = 0;
  for (std::uint64_t file = 1; file <= file_count; ++file) {
    files.contents.emplace_back(8 * choices.between(1, 600));
    const std::uint64_t end = file * order.size() / file_count;
    while (index < end) add_tensor(choices, files, wanted[order[index++]]);
    files.contents.back().resize(files.contents.back().size() + draw_gap(choices));
    files.catalogue.files.push_back(
        {"virtual-" + std::to_string(file) + (gguf ? ".gguf" : ".safetensors"),
         files.contents.back().size()});
  }
  rename(order, wanted, files);
  return files;
}

}  // namespace plimsoll::simulation
