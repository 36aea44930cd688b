#include "plan/unit_cutter.hpp"

#include <algorithm>
#include <string>

#include "io/byte_source.hpp"
#include "plan/align.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {
namespace {

tl::unexpected<Error> too_many(const char* what, std::uint64_t count, std::uint64_t most,
                               std::uint64_t unit_bytes) {
  return fail(ErrorCode::invalid_argument,
              "units of " + std::to_string(unit_bytes) + " bytes are too small: there would be " +
                  std::to_string(count) + what + ", more than " + std::to_string(most));
}

}  // namespace

views::UnitRules UnitCutter::rules_for(std::uint32_t index) const {
  return unit_rules(plan_.outputs[index].stored, works_[index], plan_.unit_bytes);
}

Expected<void> UnitCutter::check_count() const {
  std::uint64_t total = 0;
  std::uint64_t ranges = 0;
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) {
    const views::View& view = plan_.views[i];
    const MergeChoice& choice = sizes_.merges[i];
    const std::uint64_t step = choice.merge == Merge::gather
                                   ? view.elements()
                                   : std::max<std::uint64_t>(choice.unit_elements, 1);
    const std::uint64_t units =
        std::max<std::uint64_t>(step == 0 ? 0 : (view.elements() + step - 1) / step, 1);
    const std::uint64_t passes = choice.merge == Merge::two_pass ? 2 * units : units;
    total += passes;
    ranges += plan_.outputs[i].scaled ? 2 * passes : passes;
  }
  if (total > most_units) return too_many(" of them", total, most_units, plan_.unit_bytes);
  plan_.units.reserve(total);
  plan_.reads.reserve(std::min(ranges + ranges / 4, most_reads));
  return {};
}

Expected<void> UnitCutter::cut(std::uint32_t index) {
  OutputTensor& output = plan_.outputs[index];
  const views::View& view = plan_.views[index];
  output.merge = sizes_.merges[index].merge;
  output.first_unit = static_cast<std::uint32_t>(plan_.units.size());
  UnitReads reads(view, output.stored, output.scaled);
  views::Units units;
  // An empty tensor still has one unit, so that its end is noticed like any other's.
  units.regions = {{0, 1, view.elements(), 0}};
  if (output.merge != Merge::gather && sizes_.merges[index].unit_elements < view.elements()) {
    auto cut = views::cut_units(view, rules_for(index));
    if (!cut) return fail(cut.error().code(), cut.error().reason(), "", output.name);
    units = std::move(*cut);
  }
  if (output.merge == Merge::two_pass) {
    for (const views::Region& region : units.regions) {
      if (auto added = add_unit(index, region, true, reads); !added) return added;
    }
    output.measuring_units = static_cast<std::uint32_t>(units.regions.size());
  }
  for (const views::Region& region : units.regions) {
    if (auto added = add_unit(index, region, false, reads); !added) return added;
  }
  if (output.measuring_units > 0) {
    plan_.units[output.first_unit + output.measuring_units].waits = true;
  }
  output.unit_count = static_cast<std::uint32_t>(plan_.units.size()) - output.first_unit;
  return {};
}

Expected<void> UnitCutter::add_unit(std::uint32_t index, const views::Region& region, bool measures,
                                    UnitReads& reads) {
  const OutputTensor& output = plan_.outputs[index];
  const Work& work = works_[index];
  Unit unit;
  unit.output = index;
  unit.region = region;
  unit.route = measures ? measuring(work.route) : work.route;
  unit.first_read = static_cast<std::uint32_t>(plan_.reads.size());
  const UnitReads::Found found = reads.find(region, lands_at_once(work.route, output.is_coded()));
  if (auto added = add_reads(unit, found.ranges); !added) return added;
  if (!found.in_order && !measures) unit.route = rearranged(unit.route, output.is_coded());
  if (output.scaled) add_scale_reads(unit);
  place_landing(unit);
  if (!unit.route.is_kept()) {
    unit.slots = sizes_.merges[index].slots;
    const SlotLayout slot =
        slot_layout(output.stored, work.working, unit.route, region.elements(), unit.scale_bytes);
    if (slot.bytes > unit.slots * sizes_.devices[output.device].slot_bytes) {
      return fail(ErrorCode::internal, "a unit is larger than its slots", "", output.name);
    }
  }
  plan_.units.push_back(unit);
  if (plan_.units.size() > most_units) {
    return too_many(" of them", plan_.units.size(), most_units, plan_.unit_bytes);
  }
  if (plan_.reads.size() > most_reads) {
    return too_many(" ranges to read", plan_.reads.size(), most_reads, plan_.unit_bytes);
  }
  return {};
}

Expected<void> UnitCutter::add_reads(Unit& unit, std::span<const views::SourceRange> ranges) {
  const OutputTensor& output = plan_.outputs[unit.output];
  for (const views::SourceRange& range : ranges) {
    const io::TensorEntry& entry = catalogue_.tensors[range.source];
    Read read{range.source, entry.file, range.first, entry.offset, 0};
    const Packing packing = packing_of(plan_, output, read);
    if (range.first % packing.elements != 0 || range.count % packing.elements != 0) {
      return fail(ErrorCode::unsupported,
                  "a unit of it would begin or end within a block of " + entry.name, "",
                  output.name);
    }
    read.offset += stored_bytes(packing, range.first);
    read.bytes = stored_bytes(packing, range.count);
    plan_.reads.push_back(read);
    unit.source_bytes += read.bytes;
  }
  unit.read_count = static_cast<std::uint32_t>(ranges.size());
  return {};
}

/// For each range of numbers the rows of tiles it lies in.
void UnitCutter::add_scale_reads(Unit& unit) {
  for (std::uint32_t i = 0; i < unit.read_count; ++i) {
    const Read numbers = plan_.reads[unit.first_read + i];
    const SourceScales& scales = *plan_.scales[numbers.source];
    const ScaleRows rows = scale_rows(scales, {numbers.source, numbers.first, numbers.bytes});
    plan_.reads.push_back({scales.tensor, scales.file, rows.offset / element_bytes(scales.dtype),
                           scales.offset + rows.offset, rows.bytes});
    unit.scale_bytes += align_up(rows.bytes, component_alignment);
  }
}

/// A single read into memory of ours lands so that a direct read needs no copy, where that keeps
/// the elements aligned.
void UnitCutter::place_landing(Unit& unit) const {
  if (unit.read_count != 1) return;
  if (unit.route.is_kept() && plan_.sink != Sink::checkpoint) return;
  const std::uint64_t offset = plan_.reads[unit.first_read].offset;
  const OutputTensor& output = plan_.outputs[unit.output];
  if (!output.packed && offset % output.stored.bytes != 0) return;
  unit.landing = static_cast<std::uint32_t>(offset % io::direct_alignment);
  unit.padded = true;
}

}  // namespace plimsoll::plan
