#include "simulation/expected_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "codecs/cast.hpp"
#include "codecs/nf4.hpp"

namespace plimsoll::simulation {
namespace {

Bytes copy_of(const void* bytes, std::size_t count) {
  Bytes copy(count);
  if (count > 0) std::memcpy(copy.data(), bytes, count);
  return copy;
}

/// Scalar code wants its elements aligned, which a file's bytes need not be; a vector's are.
Bytes cast_whole(Dtype from, std::span<const std::byte> source, Dtype to, std::size_t elements) {
  const Bytes aligned = copy_of(source.data(), source.size());
  Bytes result(elements * (bits_of(to) / 8));
  codecs::cast_scalar(from, aligned.data(), to, result.data(), elements);
  return result;
}

std::string state_text(const codecs::Format& format, Dtype dtype, const io::Shape& shape) {
  const char* const type = dtype == Dtype::f16    ? "float16"
                           : dtype == Dtype::bf16 ? "bfloat16"
                                                  : "float32";
  std::string text = R"({"quant_type": "nf4", "blocksize": )" + std::to_string(format.blocksize) +
                     R"(, "dtype": ")" + type + R"(", "shape": [)";
  for (const std::uint64_t size : shape) {
    if (text.back() != '[') text += ", ";
    text += std::to_string(size);
  }
  return text + "]}";
}

/// The dtype that is quantized: stored as is if it is one of the three, else what it decodes to.
Dtype working_dtype(Dtype stored) {
  if (stored == Dtype::f64) return Dtype::f32;
  return bits_of(stored) == 8 ? Dtype::bf16 : stored;
}

std::vector<ExpectedComponent> quantized(const io::TensorEntry& tensor,
                                         std::span<const std::byte> source,
                                         const codecs::Format& format) {
  const std::size_t elements = source.size() / (bits_of(tensor.dtype) / 8);
  const Dtype working = working_dtype(tensor.dtype);
  const Bytes numbers = working == tensor.dtype
                            ? copy_of(source.data(), source.size())
                            : cast_whole(tensor.dtype, source, working, elements);
  Bytes packed((elements + 1) / 2);
  std::vector<float> absmax((elements + format.blocksize - 1) / format.blocksize);
  codecs::nf4_quantize_scalar(working, numbers.data(), elements, format.variant, format.blocksize,
                              packed.data(), absmax.data());
  const std::string state = state_text(format, working, tensor.shape);
  return {
      {tensor.name, Dtype::u8, std::move(packed)},
      {tensor.name + ".absmax", Dtype::f32, copy_of(absmax.data(), absmax.size() * sizeof(float))},
      {tensor.name + ".quant_map", Dtype::f32,
       copy_of(codecs::nf4_values.data(), sizeof codecs::nf4_values)},
      {tensor.name + ".quant_state.bitsandbytes__nf4", Dtype::u8,
       copy_of(state.data(), state.size())}};
}

}  // namespace

std::vector<ExpectedComponent> expected_components(const io::TensorEntry& tensor,
                                                   std::span<const std::byte> source,
                                                   const codecs::Format& format) {
  if (codecs::is_quantized(format.kind)) return quantized(tensor, source, format);
  if (!codecs::is_cast(format.kind) || codecs::cast_dtype(format.kind) == tensor.dtype) {
    return {{tensor.name, tensor.dtype, copy_of(source.data(), source.size())}};
  }
  const Dtype to = codecs::cast_dtype(format.kind);
  return {{tensor.name, to,
           cast_whole(tensor.dtype, source, to, source.size() / (bits_of(tensor.dtype) / 8))}};
}

std::vector<Bytes> expected_shards(const std::vector<std::vector<ExpectedComponent>>& tensors,
                                   std::uint64_t shard_bytes) {
  std::vector<std::vector<const ExpectedComponent*>> shards(1);
  std::uint64_t filled = 0;
  for (const auto& tensor : tensors) {
    std::uint64_t bytes = 0;
    for (const ExpectedComponent& component : tensor) bytes += component.bytes.size();
    if (!shards.back().empty() && bytes > 0 && filled + bytes > shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    for (const ExpectedComponent& component : tensor) shards.back().push_back(&component);
    filled += bytes;
  }
  std::vector<Bytes> sections;
  for (auto& shard : shards) {
    std::sort(shard.begin(), shard.end(), [](const auto* a, const auto* b) {
      return a->dtype != b->dtype ? a->dtype > b->dtype : a->name < b->name;
    });
    Bytes& section = sections.emplace_back();
    for (const ExpectedComponent* component : shard) {
      section.insert(section.end(), component->bytes.begin(), component->bytes.end());
    }
  }
  return sections;
}

}  // namespace plimsoll::simulation
