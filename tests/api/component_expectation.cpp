#include "component_expectation.hpp"

#include <algorithm>

#include "codecs/cast.hpp"
#include "codecs/nf4.hpp"

using plimsoll::Dtype;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;

namespace {

const std::byte* bytes_of(const std::string& text) {
  return reinterpret_cast<const std::byte*>(text.data());
}
std::byte* bytes_of(std::string& text) {
  return reinterpret_cast<std::byte*>(text.data());
}

std::string cast(const SourceTensor& source, Dtype to) {
  if (source.dtype == to) return source.bytes;
  std::string out(source.elements() * plimsoll::bits_of(to) / 8, '\0');
  plimsoll::codecs::cast_scalar(source.dtype, bytes_of(source.bytes), to, bytes_of(out),
                                source.elements());
  return out;
}

std::string quant_state(const SourceTensor& source, const Format& format, Dtype dtype) {
  const std::string torch = dtype == Dtype::f32   ? "float32"
                            : dtype == Dtype::f16 ? "float16"
                                                  : "bfloat16";
  std::string shape;
  for (const std::uint64_t size : source.shape) {
    shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  }
  return R"({"quant_type": "nf4", "blocksize": )" + std::to_string(format.blocksize) +
         R"(, "dtype": ")" + torch + R"(", "shape": [)" + shape + "]}";
}

std::vector<ExpectedComponent> nf4_components(const SourceTensor& source, const Format& format) {
  const Dtype dtype = expected_dtype(source, format);
  const std::uint64_t count = source.elements();
  const std::uint64_t blocks = (count + format.blocksize - 1) / format.blocksize;
  std::string packed((count + 1) / 2, '\0');
  std::vector<float> absmax(blocks);
  plimsoll::codecs::nf4_quantize_scalar(dtype, bytes_of(cast(source, dtype)), count, format.variant,
                                        format.blocksize, bytes_of(packed), absmax.data());
  const auto text = [](const float* numbers, std::size_t size) {
    return std::string(reinterpret_cast<const char*>(numbers), size * sizeof(float));
  };
  const std::string state = quant_state(source, format, dtype);
  const auto& map = plimsoll::codecs::nf4_values;
  return {
      {"data", source.name, Dtype::u8, {packed.size(), 1}, packed},
      {"absmax", source.name + ".absmax", Dtype::f32, {blocks}, text(absmax.data(), blocks)},
      {"quant_map", source.name + ".quant_map", Dtype::f32, {16}, text(map.data(), map.size())},
      {"quant_state",
       source.name + ".quant_state.bitsandbytes__nf4",
       Dtype::u8,
       {state.size()},
       state},
  };
}

}  // namespace

Dtype expected_dtype(const SourceTensor& source, const Format& format) {
  if (plimsoll::codecs::is_cast(format.kind)) return plimsoll::codecs::cast_dtype(format.kind);
  if (format.kind != FormatKind::nf4) return source.dtype;
  if (source.dtype == Dtype::f64) return Dtype::f32;
  return plimsoll::bits_of(source.dtype) == 8 ? Dtype::bf16 : source.dtype;
}

std::vector<ExpectedComponent> expected_components(const SourceTensor& source,
                                                   const Format& format) {
  if (format.kind == FormatKind::nf4) return nf4_components(source, format);
  const Dtype dtype = expected_dtype(source, format);
  return {{"data", source.name, dtype, source.shape, cast(source, dtype)}};
}

Format kept(const SourceTensor&) {
  return {};
}

std::string difference(const plimsoll::Tensor& tensor, const SourceTensor& source,
                       const Format& format) {
  if (tensor.name != source.name) return std::string(tensor.name) + " is not " + source.name;
  if (tensor.dtype != expected_dtype(source, format)) return source.name + ": dtype";
  if (!std::ranges::equal(tensor.shape, source.shape)) return source.name + ": shape";
  const std::vector<ExpectedComponent> expected = expected_components(source, format);
  if (tensor.components.size() != expected.size()) return source.name + ": components";
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const plimsoll::Component& component = tensor.components[i];
    const std::string where = source.name + ": " + expected[i].role + ": ";
    if (component.role != expected[i].role) return where + "role";
    if (component.name != expected[i].name) return where + "name";
    if (component.dtype != expected[i].dtype) return where + "dtype";
    if (!std::ranges::equal(component.shape, expected[i].shape)) return where + "shape";
    if (text_of(component.bytes) != expected[i].bytes) return where + "bytes";
  }
  return {};
}

std::string difference(std::span<const plimsoll::Tensor> tensors,
                       const std::vector<SourceTensor>& sources, const FormatOf& format_of) {
  if (tensors.size() != sources.size()) {
    return std::to_string(tensors.size()) + " tensors for " + std::to_string(sources.size());
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::string found = difference(tensors[i], sources[i], format_of(sources[i]));
    if (!found.empty()) return found;
  }
  return {};
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
