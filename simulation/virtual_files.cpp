#include "simulation/virtual_files.hpp"

#include <cstring>
#include <string>
#include <utility>

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

void add_tensor(Choices& choices, VirtualFiles& files, std::size_t index) {
  io::TensorEntry entry;
  entry.name = draw_name(choices, index);
  entry.dtype = draw_dtype(choices);
  entry.shape = draw_shape(choices);
  std::uint64_t elements = io::element_count(entry.shape);
  if (bits_of(entry.dtype) < 8 && elements % 2 != 0) {
    entry.shape = {elements + 1};  // a sub-byte tensor fills its bytes
    elements += 1;
  }
  entry.bytes = elements * bits_of(entry.dtype) / 8;
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

}  // namespace

VirtualFiles draw_files(Choices& choices) {
  VirtualFiles files;
  const std::uint64_t file_count = choices.between(1, 3);
  const std::uint64_t tensors = choices.chance(2) ? 0 : choices.between(1, 16);
  std::size_t index = 0;
  for (std::uint64_t file = 1; file <= file_count; ++file) {
    files.contents.emplace_back(8 * choices.between(1, 600));
    const std::uint64_t end = file * tensors / file_count;
    while (index < end) add_tensor(choices, files, index++);
    files.contents.back().resize(files.contents.back().size() + draw_gap(choices));
    files.catalogue.files.push_back(
        {"virtual-" + std::to_string(file) + ".safetensors", files.contents.back().size()});
  }
  return files;
}

}  // namespace plimsoll::simulation
