#include "api/plan_summary.hpp"

#include <algorithm>

#include "config/recipe_text.hpp"

namespace plimsoll {

Plan summarize(const plan::Plan& plan) {
  Plan summary;
  summary.units = static_cast<std::uint32_t>(plan.units.size());
  summary.unit_bytes = plan.unit_bytes;
  summary.smallest_load_line_bytes = plan.smallest_load_line;
  for (const io::ShardFile& shard : plan.layout.shards) summary.output_bytes += shard.bytes;
  for (const plan::DeviceLine& line : plan.devices) {
    summary.devices.push_back(
        {line.name, line.load_line, line.final_bytes, line.slot_bytes, line.slots, line.units});
    summary.load_line_bytes += line.load_line;
    summary.final_bytes += line.final_bytes;
    summary.slot_bytes = std::max(summary.slot_bytes, line.slot_bytes);
    summary.slots = std::max(summary.slots, line.slots);
  }
  summary.tensors.reserve(plan.outputs.size());
  for (const plan::OutputTensor& output : plan.outputs) {
    PlannedTensor tensor;
    tensor.name = output.name;
    tensor.dtype = output.dtype;
    tensor.shape = output.shape;
    tensor.format = config::format_text(output.format);
    tensor.device = plan.devices[output.device].name;
    for (std::uint32_t i = 0; i < output.component_count; ++i) {
      tensor.bytes += plan.components[output.first_component + i].bytes;
    }
    summary.formats[tensor.format] += output.unit_count;
    summary.tensors.push_back(std::move(tensor));
  }
  return summary;
}

}  // namespace plimsoll
