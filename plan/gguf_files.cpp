#include "plan/gguf_files.hpp"

#include <numeric>
#include <string_view>

#include "codecs/ggml/plain.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/gguf_order.hpp"

namespace plimsoll::plan {
namespace {

bool is_split(const GgufTarget& target) {
  return target.split.keys != io::GgufSplit::Keys::none;
}

std::vector<std::uint32_t> file_order(const GgufTarget& target, const Plan& plan) {
  if (is_split(target)) {
    std::vector<std::uint32_t> order(plan.outputs.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    return order;
  }
  std::vector<std::string_view> names;
  names.reserve(plan.outputs.size());
  for (const OutputTensor& output : plan.outputs) names.push_back(output.name);
  return io::llama_quantize_order(names);
}

/// The type that a result is stored as.
Expected<codecs::ggml::Type> stored_type(const Plan& plan, std::uint32_t index) {
  const OutputTensor& output = plan.outputs[index];
  if (output.format.kind == codecs::FormatKind::ggml) return output.format.type;
  if (output.format.kind == codecs::FormatKind::keep && output.packed) {
    return plan.packed[plan.views[index].source(0)].stored.type;
  }
  const auto plain = codecs::ggml::plain_type_of(output.dtype);
  if (plain && !codecs::is_quantized(output.format.kind)) return *plain;
  return fail(ErrorCode::unsupported,
              "a GGUF file cannot hold it as " + std::string(name_of(output.dtype)), "",
              output.name);
}

}  // namespace

Expected<void> lay_out_gguf_files(const GgufTarget& target, Plan& plan) {
  const std::vector<std::uint32_t> order = file_order(target, plan);
  std::vector<io::GgufStoredTensor> tensors;
  tensors.reserve(order.size());
  for (const std::uint32_t index : order) {
    const auto type = stored_type(plan, index);
    if (!type) return fail(type.error());
    tensors.push_back({plan.outputs[index].name, *type, plan.outputs[index].shape});
  }
  const auto layout = io::lay_out_gguf(target.metadata, tensors, target.split, target.prefix);
  if (!layout) return fail(layout.error());

  plan.layout.places.resize(plan.components.size());
  plan.layout.sizes.resize(plan.components.size());
  const auto count = static_cast<std::uint32_t>(layout->parts.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const io::GgufPart& part = layout->parts[i];
    plan.layout.shards.push_back(
        {is_split(target) ? io::gguf_part_path(target.prefix, i, count) : target.prefix + ".gguf",
         part.bytes,
         part.header,
         {}});
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t component = plan.outputs[order[i]].first_component;
    const io::GgufPlace& place = layout->places[i];
    plan.layout.places[component] = {place.part, place.offset};
    plan.layout.sizes[component] = place.bytes;
    plan.layout.shards[place.part].tensors.push_back(component);
    plan.components[component].address = place.offset;
    plan.components[component].shard = place.part;
  }
  return {};
}

}  // namespace plimsoll::plan
