#include "simulation/expected_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "codecs/cast.hpp"
#include "codecs/fp8.hpp"
#include "codecs/ggml/decode.hpp"
#include "codecs/ggml/encode.hpp"
#include "codecs/ggml/plain.hpp"
#include "codecs/nf4.hpp"
#include "io/gguf_order.hpp"

namespace plimsoll::simulation {
namespace {

Bytes copy_of(const void* bytes, std::size_t count) {
  Bytes copy(count);
  if (count > 0) std::memcpy(copy.data(), bytes, count);
  return copy;
}

std::size_t width_of(Dtype dtype) {
  return bits_of(dtype) / 8;
}

/// Numbers of one dtype, aligned as scalar code wants them.
struct Numbers {
  Dtype dtype = Dtype::f32;
  Bytes bytes;

  [[nodiscard]] std::size_t count() const { return bytes.size() / width_of(dtype); }
};

Numbers cast_whole(const Numbers& numbers, Dtype to) {
  if (numbers.dtype == to) return numbers;
  Numbers result{to, Bytes(numbers.count() * width_of(to))};
  codecs::cast_scalar(numbers.dtype, numbers.bytes.data(), to, result.bytes.data(),
                      numbers.count());
  return result;
}

Bytes bytes_of(const LoadScenario& load, std::uint32_t tensor) {
  const io::TensorEntry& entry = load.catalogue.tensors[tensor];
  return copy_of(load.files[entry.file].data() + entry.offset, entry.bytes);
}

/// A checkpoint tensor whose scales are used up.
Numbers dequantized(const LoadScenario& load, std::uint32_t tensor, Dtype to) {
  const plan::TileScales& tiles = *load.blueprints.scales[tensor];
  const io::Shape& shape = load.catalogue.tensors[tensor].shape;
  const Bytes codes = bytes_of(load, tensor);
  const Bytes scales = bytes_of(load, tiles.tensor);
  Numbers result{to, Bytes(codes.size() * width_of(to))};
  if (codes.empty()) return result;
  const codecs::Fp8Grid grid{shape[shape.size() - 2], shape.back(), tiles.tile_rows,
                             tiles.tile_columns};
  codecs::fp8_block_dequantize_scalar(codes.data(), 0, codes.size(), grid,
                                      load.catalogue.tensors[tiles.tensor].dtype, scales.data(), to,
                                      result.bytes.data());
  return result;
}

/// Bytes of a GGUF tensor as this machine's order has them.
Bytes native_bytes(const LoadScenario& load, std::uint32_t tensor) {
  const io::TensorEntry& entry = load.catalogue.tensors[tensor];
  Bytes bytes = bytes_of(load, tensor);
  if (!entry.swapped) return bytes;
  const auto type = entry.blocks ? *entry.blocks : *codecs::ggml::plain_type_of(entry.dtype);
  codecs::ggml::swap_byte_order(type, bytes.data(),
                                bytes.size() / codecs::ggml::traits_of(type).block_bytes);
  return bytes;
}

/// A GGUF tensor's numbers in the order of the file: decoded, then mapped in fp32, then rounded.
Numbers decoded(const LoadScenario& load, std::uint32_t tensor, Dtype to) {
  const io::TensorEntry& entry = load.catalogue.tensors[tensor];
  Numbers stored{entry.dtype, native_bytes(load, tensor)};
  const bool mapped = entry.map != codecs::ElementMap::none;
  if (entry.blocks) {
    const codecs::ggml::Traits& traits = codecs::ggml::traits_of(*entry.blocks);
    const std::size_t blocks = stored.bytes.size() / traits.block_bytes;
    Numbers numbers{mapped ? Dtype::f32 : to, {}};
    numbers.bytes.resize(blocks * traits.block_elements * width_of(numbers.dtype));
    codecs::ggml::decode_scalar(traits.type, stored.bytes.data(), blocks, numbers.dtype,
                                numbers.bytes.data());
    stored = std::move(numbers);
  }
  if (!mapped) return cast_whole(stored, to);
  Numbers numbers = cast_whole(stored, Dtype::f32);
  codecs::apply(entry.map, Dtype::f32, numbers.bytes.data(), numbers.count());
  return cast_whole(numbers, to);
}

/// Whether some of its sources are no numbers before they are decoded.
bool is_packed(const LoadScenario& load, const plan::Blueprint& blueprint) {
  for (std::size_t i = 0; i < blueprint.view.box_count(); ++i) {
    if (load.catalogue.tensors[blueprint.view.source(i)].is_coded()) return true;
  }
  return false;
}

/// Calls `visit(result, source)` for each element of a box.
template <class Visit>
void for_each_element(const views::StridedBox& box, Visit visit) {
  std::uint64_t count = 1;
  for (const views::Axis& axis : box.used()) count *= axis.extent;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t result = box.result_offset;
    std::uint64_t source = box.source_offset;
    std::uint64_t rest = i;
    for (std::size_t axis = box.axis_count; axis-- > 0;) {
      const std::uint64_t at = rest % box.axes[axis].extent;
      rest /= box.axes[axis].extent;
      result += at * box.axes[axis].result_stride;
      source += at * box.axes[axis].source_stride;
    }
    visit(result, source);
  }
}

/// What the numbers of a tensor are before they are gathered.
enum class Sources { plain, scaled, packed };

Sources sources_of(const LoadScenario& load, const plan::Blueprint& blueprint) {
  if (plan::scales_of(load.blueprints, blueprint) != nullptr) return Sources::scaled;
  return is_packed(load, blueprint) ? Sources::packed : Sources::plain;
}

Bytes source_numbers(const LoadScenario& load, std::uint32_t tensor, Sources sources,
                     Dtype working) {
  if (sources == Sources::scaled) return dequantized(load, tensor, working).bytes;
  if (sources == Sources::packed) return decoded(load, tensor, working).bytes;
  return bytes_of(load, tensor);
}

/// The tensor's numbers in its order, as they are stored or, if they have to be decoded, as
/// `working`.
Numbers gather(const LoadScenario& load, const plan::Blueprint& blueprint, Sources kind,
               Dtype working) {
  const views::View& view = blueprint.view;
  Numbers result{kind == Sources::plain ? blueprint.dtype : working, {}};
  if (bits_of(blueprint.dtype) < 8) {
    if (view.box_count() > 0) result.bytes = bytes_of(load, view.box(0).source);
    return result;
  }
  const std::size_t width = width_of(result.dtype);
  result.bytes.resize(view.elements() * width);
  std::map<std::uint32_t, Bytes> sources;
  for (std::size_t i = 0; i < view.box_count(); ++i) {
    const views::StridedBox box = view.box(i);
    const auto [place, is_new] = sources.try_emplace(box.source);
    Bytes& source = place->second;
    if (is_new) source = source_numbers(load, box.source, kind, working);
    for_each_element(box, [&](std::uint64_t to, std::uint64_t from) {
      std::memcpy(result.bytes.data() + to * width, source.data() + from * width, width);
    });
  }
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

/// The dtype that is quantized where nothing else is asked for: stored as is if it is one of the
/// three, else what it decodes to.
Dtype natural_dtype(Dtype stored) {
  if (stored == Dtype::f64) return Dtype::f32;
  return bits_of(stored) == 8 ? Dtype::bf16 : stored;
}

std::vector<ExpectedComponent> nf4(const plan::Blueprint& blueprint, const Numbers& numbers,
                                   const codecs::Format& format) {
  const std::size_t elements = numbers.count();
  Bytes packed((elements + 1) / 2);
  std::vector<float> absmax((elements + format.blocksize - 1) / format.blocksize);
  codecs::nf4_quantize_scalar(numbers.dtype, numbers.bytes.data(), elements, format.variant,
                              format.blocksize, packed.data(), absmax.data());
  const std::string& name = blueprint.name;
  const std::string state = state_text(format, numbers.dtype, blueprint.view.shape());
  return {
      {name, Dtype::u8, std::move(packed)},
      {name + ".absmax", Dtype::f32, copy_of(absmax.data(), absmax.size() * sizeof(float))},
      {name + ".quant_map", Dtype::f32,
       copy_of(codecs::nf4_values.data(), sizeof codecs::nf4_values)},
      {name + ".quant_state.bitsandbytes__nf4", Dtype::u8, copy_of(state.data(), state.size())}};
}

/// Matrix after matrix, each whole.
std::vector<ExpectedComponent> fp8_block(const plan::Blueprint& blueprint, const Numbers& numbers,
                                         const codecs::Format& format) {
  const io::Shape& shape = blueprint.view.shape();
  const bool exponents = format.scale == codecs::Fp8Scale::ue8m0;
  const std::size_t elements = numbers.count();
  Bytes codes(elements);
  Bytes scales;
  if (elements > 0) {
    codecs::Fp8Tiles tiles;
    tiles.rows = shape[shape.size() - 2];
    tiles.columns = shape.back();
    tiles.source_stride = tiles.code_stride = tiles.columns;
    tiles.scale_stride = (tiles.columns + codecs::fp8_tile - 1) / codecs::fp8_tile;
    const std::size_t matrix = tiles.rows * tiles.columns;
    const std::size_t matrix_scales = (tiles.rows + codecs::fp8_tile - 1) / codecs::fp8_tile *
                                      tiles.scale_stride * (exponents ? 1 : sizeof(float));
    scales.resize(elements / matrix * matrix_scales);
    for (std::size_t i = 0; i < elements / matrix; ++i) {
      codecs::fp8_block_quantize_scalar(
          numbers.dtype, numbers.bytes.data() + i * matrix * width_of(numbers.dtype), tiles, format,
          codes.data() + i * matrix, scales.data() + i * matrix_scales);
    }
  }
  return {
      {blueprint.name, Dtype::f8_e4m3, std::move(codes)},
      {blueprint.name + "_scale_inv", exponents ? Dtype::f8_e8m0 : Dtype::f32, std::move(scales)}};
}

std::vector<ExpectedComponent> fp8_tensor(const plan::Blueprint& blueprint,
                                          const Numbers& numbers) {
  Bytes codes(numbers.count());
  const float absmax =
      codecs::fp8_absmax_scalar(numbers.dtype, numbers.bytes.data(), numbers.count());
  const float scale = codecs::fp8_tensor_scale(absmax);
  codecs::fp8_tensor_quantize_scalar(numbers.dtype, numbers.bytes.data(), numbers.count(), scale,
                                     codes.data());
  return {{blueprint.name, Dtype::f8_e4m3, std::move(codes)},
          {blueprint.name + "_scale_inv", Dtype::f32, copy_of(&scale, sizeof scale)}};
}

/// Rows, of a matrix after the other where each has weights of its own.
std::vector<ExpectedComponent> ggml_blocks(const plan::Blueprint& blueprint, const Numbers& numbers,
                                           codecs::ggml::Type type,
                                           const std::vector<float>& importance) {
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(type);
  const io::Shape& shape = blueprint.view.shape();
  Bytes blocks(numbers.count() / traits.block_elements * traits.block_bytes);
  if (!blocks.empty()) {
    codecs::ggml::Rows row{numbers.dtype, numbers.bytes.data(), 1, shape.back()};
    const std::size_t rows = numbers.count() / row.columns;
    const std::size_t sets = std::max<std::size_t>(importance.size() / row.columns, 1);
    const std::size_t row_bytes = blocks.size() / rows;
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t set = i / (rows / sets);
      if (!importance.empty()) row.importance = importance.data() + set * row.columns;
      codecs::ggml::encode_scalar(type, row, blocks.data() + i * row_bytes);
      row.source += row.columns * width_of(row.dtype);
    }
  }
  return {{blueprint.name, Dtype::u8, std::move(blocks)}};
}

/// As they are stored, in this machine's byte order where they are coded.
ExpectedComponent kept(const LoadScenario& load, const plan::Blueprint& blueprint) {
  if (!is_packed(load, blueprint)) {
    return {blueprint.name, blueprint.dtype,
            gather(load, blueprint, Sources::plain, blueprint.dtype).bytes};
  }
  const views::StridedBox box = blueprint.view.box(0);
  const io::TensorEntry& entry = load.catalogue.tensors[box.source];
  const auto type = entry.blocks ? *entry.blocks : *codecs::ggml::plain_type_of(entry.dtype);
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(type);
  const auto bytes = [&](std::uint64_t elements) {
    return elements / traits.block_elements * traits.block_bytes;
  };
  const Bytes all = native_bytes(load, box.source);
  return {blueprint.name, entry.blocks ? Dtype::u8 : entry.dtype,
          copy_of(all.data() + bytes(box.source_offset), bytes(blueprint.view.elements()))};
}

}  // namespace

std::vector<ExpectedComponent> expected_components(const LoadScenario& load, std::size_t tensor) {
  const plan::Blueprint& blueprint = load.blueprints.tensors[tensor];
  const plan::Treatment& treatment = load.treatments[tensor];
  const codecs::Format& format = treatment.format;
  const Sources sources = sources_of(load, blueprint);
  if (codecs::is_cast(format.kind)) {
    const Dtype to = codecs::cast_dtype(format.kind);
    Numbers numbers = cast_whole(gather(load, blueprint, sources, to), to);
    return {{blueprint.name, to, std::move(numbers.bytes)}};
  }
  if (!codecs::is_quantized(format.kind)) return {kept(load, blueprint)};
  const Dtype working = treatment.working.value_or(natural_dtype(blueprint.dtype));
  const Numbers numbers = cast_whole(gather(load, blueprint, sources, working), working);
  if (format.kind == codecs::FormatKind::ggml) {
    return ggml_blocks(blueprint, numbers, format.type, load.importance[tensor]);
  }
  if (format.kind == codecs::FormatKind::nf4) return nf4(blueprint, numbers, format);
  if (format.kind == codecs::FormatKind::fp8_block) return fp8_block(blueprint, numbers, format);
  return fp8_tensor(blueprint, numbers);
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

std::vector<Bytes> expected_gguf_files(const std::vector<std::vector<ExpectedComponent>>& tensors,
                                       const plan::GgufTarget& target) {
  std::vector<Bytes> sections(std::max<std::size_t>(target.split.counts.size(), 1));
  const auto add = [&](std::size_t part, std::size_t tensor) {
    const io::GgufValue* const set = target.metadata.find("general.alignment");
    // The metadata are those of the first part.
    const auto alignment =
        part == 0 && set != nullptr ? set->unsigned_at(0).value() : std::uint64_t{32};
    Bytes& section = sections[part];
    const Bytes& bytes = tensors[tensor][0].bytes;
    section.insert(section.end(), bytes.begin(), bytes.end());
    section.resize((section.size() + alignment - 1) / alignment * alignment);
  };
  std::size_t tensor = 0;
  for (std::size_t part = 0; part < target.split.counts.size(); ++part) {
    for (std::uint32_t i = 0; i < target.split.counts[part]; ++i) add(part, tensor++);
  }
  if (!target.split.counts.empty()) return sections;
  std::vector<std::string_view> names;
  for (const auto& one : tensors) names.push_back(one[0].name);
  for (const std::uint32_t index : io::llama_quantize_order(names)) add(0, index);
  return sections;
}

}  // namespace plimsoll::simulation
