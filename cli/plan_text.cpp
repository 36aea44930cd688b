#include "cli/plan_text.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cli/load_text.hpp"
#include "cli/readable_size.hpp"
#include "cli/report_table.hpp"
#include "cli/shape_text.hpp"
#include "cli/text_table.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

using Align = TextTable::Align;

bool is_number(std::string_view part) {
  return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The name with a star for every part that is a number.
std::string without_numbers(std::string_view name) {
  std::string out;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    out += is_number(part) ? "*" : part;
    if (dot == std::string_view::npos) return out;
    out += '.';
    name.remove_prefix(dot + 1);
  }
}

struct Group {
  const PlannedTensor* first = nullptr;
  std::uint64_t tensors = 0;
  std::uint64_t parts = 0;
  std::uint64_t bytes = 0;
};

using GroupKey = std::tuple<std::string, Dtype, std::vector<std::uint64_t>, std::string,
                            std::string, std::string>;

/// Groups in the order in which their first tensors stand in the plan.
std::vector<std::pair<std::string, Group>> groups_of(const Plan& plan) {
  std::vector<std::pair<std::string, Group>> groups;
  std::map<GroupKey, std::size_t> places;
  for (const PlannedTensor& tensor : plan.tensors) {
    std::string name = without_numbers(tensor.name);
    const auto [place, added] = places.try_emplace(
        GroupKey{name, tensor.dtype, tensor.shape, tensor.format, tensor.device, tensor.merge},
        groups.size());
    if (added) groups.push_back({std::move(name), Group{&tensor, 0, 0, 0}});
    Group& group = groups[place->second].second;
    group.tensors += 1;
    group.parts += tensor.parts;
    group.bytes += tensor.bytes;
  }
  return groups;
}

std::string tensors_text(const Plan& plan) {
  TextTable table({Align::right, Align::left, Align::left, Align::left, Align::left, Align::left,
                   Align::left, Align::right, Align::right});
  table.add({"count", "tensor", "dtype", "shape", "format", "device", "merge", "parts", "size"});
  for (const auto& [name, group] : groups_of(plan)) {
    // The star would hide which tensor it is where there is only one.
    const PlannedTensor& first = *group.first;
    table.add({std::to_string(group.tensors), printable(group.tensors == 1 ? first.name : name),
               std::string(name_of(first.dtype)), shape_text(first.shape), first.format,
               first.device, first.merge, std::to_string(group.parts), readable_size(group.bytes)});
  }
  return table.text();
}

std::string counts_text(std::string_view label, const std::map<std::string, std::uint32_t>& counts,
                        std::string_view unit) {
  std::string out;
  for (const auto& [name, count] : counts) {
    out.append(out.empty() ? label : ", ").append(name).append(" ");
    out.append(std::to_string(count)).append(unit);
  }
  return out.empty() ? out : out + "\n";
}

/// What merges of one kind cost together.
struct MergeCost {
  std::uint64_t tensors = 0;
  std::uint64_t parts = 0;
  std::uint32_t slots = 0;  ///< most at a time
  std::uint64_t bytes_read = 0;
};

std::string_view read_how(std::string_view merge) {
  return merge == "two-pass" ? " in two passes" : "";
}

/// A line a kind: how many tensors of how many parts, and what that costs in slots and reads.
std::string merges_text(const Plan& plan) {
  std::map<std::string_view, MergeCost> costs;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.merge.empty()) continue;
    MergeCost& cost = costs[tensor.merge];
    cost.tensors += 1;
    cost.parts += tensor.parts;
    cost.slots = std::max(cost.slots, tensor.slots);
    cost.bytes_read += tensor.bytes_read;
  }
  std::string out;
  for (const auto& [kind, cost] : costs) {
    out.append(out.empty() ? "merges      " : "            ").append(kind).append(": ");
    out += std::to_string(cost.tensors) + (cost.tensors == 1 ? " tensor of " : " tensors of ") +
           std::to_string(cost.parts) + (cost.parts == 1 ? " part, " : " parts, ") +
           std::to_string(cost.slots) + (cost.slots == 1 ? " slot" : " slots") +
           " at a time, reads " + readable_size(cost.bytes_read);
    out.append(read_how(kind)).append("\n");
  }
  return out;
}

}  // namespace

std::string plan_text(const Plan& plan) {
  std::string out = load_line_text(plan);
  out += "smallest    " + readable_size(plan.smallest_load_line_bytes) + " (" +
         std::to_string(plan.smallest_load_line_bytes) + ") a device, with one slot\n";
  out += "units       " + std::to_string(plan.units) + " of at most " +
         readable_size(plan.unit_bytes) + "\n";
  if (plan.output_bytes > 0) {
    out += "output      " + readable_size(plan.output_bytes) + " (" +
           std::to_string(plan.output_bytes) + ")\n";
  }
  if (plan.bytes_to_read > 0) {
    out += "reads       " + readable_size(plan.bytes_to_read) + " (" +
           std::to_string(plan.bytes_to_read) + ")\n";
  }
  out += counts_text("formats     ", plan.formats, " units");
  out += merges_text(plan);
  out += unchecked_text(plan.unchecked);
  const std::string differences = report_table(plan);
  if (!differences.empty()) out.append("\n").append(differences);
  return out + "\n" + tensors_text(plan);
}

}  // namespace plimsoll::cli
