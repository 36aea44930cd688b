#include "api/plan_summary.hpp"

#include <algorithm>

#include "config/recipe_text.hpp"

namespace plimsoll {

namespace {

std::string merge_text(const plan::OutputTensor& output, std::uint32_t slots) {
  switch (output.merge) {
    case plan::Merge::two_pass:
      return "two-pass";
    case plan::Merge::gather:
      return output.parts > 1 || slots > 1 ? "gather" : "";
    case plan::Merge::fold:
      break;
  }
  return output.parts > 1 ? "fold" : "";
}

void add_names(const NameReport& names, Plan& summary) {
  summary.missing = names.missing;
  summary.unexpected = names.unexpected;
  summary.mismatches = names.mismatches;
  for (const Mismatch& mismatch : names.mismatches) summary.mismatched.push_back(mismatch.name);
  summary.unchecked = names.unchecked;
}

}  // namespace

Plan summarize(const Draft& draft) {
  const plan::Plan& plan = *draft.plan;
  Plan summary;
  add_names(draft.names, summary);
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
    for (std::uint32_t i = 0; i < output.unit_count; ++i) {
      const plan::Unit& unit = plan.units[output.first_unit + i];
      tensor.slots = i == 0 ? unit.slots : std::max(tensor.slots, unit.slots);
      tensor.bytes_read += plan::bytes_read_by(plan, unit);
    }
    tensor.parts = output.parts;
    tensor.merge = merge_text(output, tensor.slots);
    if (!tensor.merge.empty()) summary.merges[tensor.merge] += 1;
    summary.bytes_to_read += tensor.bytes_read;
    summary.formats[tensor.format] += output.unit_count;
    summary.tensors.push_back(std::move(tensor));
  }
  return summary;
}

}  // namespace plimsoll
