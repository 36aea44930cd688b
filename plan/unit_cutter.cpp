#include "plan/unit_cutter.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "io/byte_source.hpp"
#include "plan/align.hpp"
#include "plan/unit_sizes.hpp"
#include "views/copies.hpp"

namespace plimsoll::plan {
namespace {

/// Reads at least this long are worth as many system calls; shorter ones are read together and
/// sorted out in memory.
constexpr std::uint64_t worthwhile_read = 16 * 1024;

/// A region of more runs than this is not read run by run.
constexpr std::size_t most_runs = 4096;

bool is_run(const views::StridedBox& box) {
  return box.axis_count == 0 ||
         (box.axis_count == 1 && box.axes[0].result_stride == 1 && box.axes[0].source_stride == 1);
}

}  // namespace

bool arrives_in_order(const views::View& view) noexcept {
  for (std::size_t i = 0; i < view.box_count(); ++i) {
    if (!is_run(view.box(i))) return false;
  }
  return true;
}

std::uint32_t count_sources(const views::View& view) {
  if (view.box_count() < 2) return static_cast<std::uint32_t>(view.box_count());
  std::unordered_set<std::uint32_t> sources;
  for (std::size_t i = 0; i < view.box_count(); ++i) sources.insert(view.box(i).source);
  return static_cast<std::uint32_t>(sources.size());
}

std::uint64_t scale_row_bytes(const SourceScales& scales) noexcept {
  return codecs::fp8_scales_per_row(scales.grid) * element_bytes(scales.dtype);
}

views::UnitRules UnitCutter::rules_for(std::uint32_t index) const {
  return unit_rules(plan_.outputs[index].source_dtype, works_[index], plan_.unit_bytes);
}

Expected<void> UnitCutter::check_count() const {
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < plan_.outputs.size(); ++i) {
    const views::View& view = plan_.views[i];
    const auto largest = views::largest_units(view, rules_for(i));
    if (!largest) return fail(largest.error());
    const std::uint64_t step = std::max<std::uint64_t>(largest->largest, 1);
    total += std::max<std::uint64_t>(view.elements() / step, 1);
  }
  if (total <= most_units) return {};
  return fail(ErrorCode::invalid_argument,
              "units of " + std::to_string(plan_.unit_bytes) +
                  " bytes are too small: there would be " + std::to_string(total) +
                  " of them, more than " + std::to_string(most_units));
}

Expected<void> UnitCutter::cut(std::uint32_t index) {
  OutputTensor& output = plan_.outputs[index];
  const views::View& view = plan_.views[index];
  output.merge = sizes_.merges[index].merge;
  output.first_unit = static_cast<std::uint32_t>(plan_.units.size());
  views::Units units;
  // An empty tensor still has one unit, so that its end is noticed like any other's.
  units.regions = {{0, 1, view.elements(), 0}};
  if (output.merge != Merge::gather && view.elements() > 0) {
    auto cut = views::cut_units(view, rules_for(index));
    if (!cut) return fail(cut.error());
    units = std::move(*cut);
  }
  if (output.merge == Merge::two_pass) {
    for (const views::Region& region : units.regions) {
      if (auto added = add_unit(index, region, true); !added) return added;
    }
    output.measuring_units = static_cast<std::uint32_t>(units.regions.size());
  }
  for (const views::Region& region : units.regions) {
    if (auto added = add_unit(index, region, false); !added) return added;
  }
  if (output.measuring_units > 0) {
    plan_.units[output.first_unit + output.measuring_units].waits = true;
  }
  output.unit_count = static_cast<std::uint32_t>(plan_.units.size()) - output.first_unit;
  return {};
}

Expected<void> UnitCutter::add_unit(std::uint32_t index, const views::Region& region,
                                    bool measures) {
  const OutputTensor& output = plan_.outputs[index];
  const Work& work = works_[index];
  Unit unit;
  unit.output = index;
  unit.region = region;
  unit.route = measures ? measuring(work.route) : work.route;
  unit.first_read = static_cast<std::uint32_t>(plan_.reads.size());
  find_reads(unit, !measures);
  if (unit.route.rearrange) unit.route = rearranged(unit.route, output.scaled);
  if (output.scaled) add_scale_reads(unit);
  place_landing(unit);
  if (!unit.route.is_kept()) {
    unit.slots = sizes_.merges[index].slots;
    const SlotLayout slot = slot_layout(output.source_dtype, work.working, unit.route,
                                        region.elements(), unit.scale_bytes);
    if (slot.bytes > unit.slots * sizes_.devices[output.device].slot_bytes) {
      return fail(ErrorCode::internal, "a unit is larger than its slots", "", output.name);
    }
  }
  plan_.units.push_back(unit);
  return {};
}

/// The ranges in the order of the result, if they are long enough to be read one by one; else the
/// fewest there are, and the unit is rearranged.
void UnitCutter::find_reads(Unit& unit, bool order_matters) {
  const OutputTensor& output = plan_.outputs[unit.output];
  const views::View& view = plan_.views[unit.output];
  const std::uint64_t width = element_bytes(output.source_dtype);
  const auto add = [&](const views::SourceRange& range) {
    const io::TensorEntry& entry = catalogue_.tensors[range.source];
    plan_.reads.push_back({range.source, entry.file, range.first,
                           entry.offset + range.first * width, range.count * width});
    unit.read_count += 1;
    unit.source_bytes += range.count * width;
  };
  if (unit.region.elements() == 0) return;
  const bool in_rows = unit.region.rows > 1 && unit.region.columns != unit.region.row_stride;
  // What goes from its landing straight to its place cannot be parted into rows on that way.
  const bool at_once = unit.route.is_kept() || (output.scaled && unit.route.convert);
  const bool direct = !(in_rows && at_once) && collect_runs(view, unit.region);
  if (direct && (runs_.size() == 1 || arrives_in_order(view) ||
                 unit.region.elements() * width / runs_.size() >= worthwhile_read)) {
    for (const Run& run : runs_) add(run.range);
    return;
  }
  const std::vector<views::SourceRange> ranges = views::source_ranges(view, unit.region);
  if (direct && runs_.size() <= ranges.size()) {
    for (const Run& run : runs_) add(run.range);
    return;
  }
  for (const views::SourceRange& range : ranges) add(range);
  unit.route.rearrange = order_matters;
}

/// Whether the region is made of not too many runs of its sources; `runs_` are they, in the order
/// of the region.
bool UnitCutter::collect_runs(const views::View& view, const views::Region& region) {
  runs_.clear();
  bool few = true;
  const bool unlimited = arrives_in_order(view);
  views::for_each_copy(view, region, [&](const views::StridedBox& copy) {
    if (!few) return;
    views::StridedBox box = copy;
    std::uint64_t length = 1;
    if (box.axis_count > 0 && box.axes[box.axis_count - 1].result_stride == 1) {
      if (box.axes[box.axis_count - 1].source_stride != 1) {
        few = false;
        return;
      }
      length = box.axes[--box.axis_count].extent;
    }
    std::uint64_t count = 1;
    for (const views::Axis& axis : box.used()) count *= axis.extent;
    if (!unlimited && (count > most_runs || runs_.size() + count > most_runs)) {
      few = false;
      return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      Run run{box.result_offset, {box.source, box.source_offset, length}};
      std::uint64_t rest = i;
      for (std::size_t axis = box.axis_count; axis-- > 0;) {
        const std::uint64_t at = rest % box.axes[axis].extent;
        rest /= box.axes[axis].extent;
        run.place += at * box.axes[axis].result_stride;
        run.range.first += at * box.axes[axis].source_stride;
      }
      runs_.push_back(run);
    }
  });
  if (!few) return false;
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return a.place < b.place; });
  std::size_t kept = 0;
  for (const Run& run : runs_) {
    if (kept > 0 && runs_[kept - 1].range.source == run.range.source &&
        runs_[kept - 1].range.first + runs_[kept - 1].range.count == run.range.first) {
      runs_[kept - 1].range.count += run.range.count;
    } else {
      runs_[kept++] = run;
    }
  }
  runs_.resize(kept);
  return true;
}

/// For each range of numbers the rows of tiles it lies in.
void UnitCutter::add_scale_reads(Unit& unit) {
  for (std::uint32_t i = 0; i < unit.read_count; ++i) {
    const Read numbers = plan_.reads[unit.first_read + i];
    const SourceScales& scales = *plan_.scales[numbers.source];
    const std::uint64_t row_bytes = scale_row_bytes(scales);
    const std::uint64_t first = codecs::fp8_tile_row(scales.grid, numbers.first);
    const std::uint64_t last = codecs::fp8_tile_row(scales.grid, numbers.first + numbers.bytes - 1);
    Read read{scales.tensor, scales.file, 0, scales.offset + first * row_bytes,
              (last - first + 1) * row_bytes};
    read.first = first * row_bytes / element_bytes(scales.dtype);
    unit.scale_bytes += align_up(read.bytes, component_alignment);
    plan_.reads.push_back(read);
  }
}

/// A single read into memory of ours lands so that a direct read needs no copy, where that keeps
/// the elements aligned.
void UnitCutter::place_landing(Unit& unit) const {
  if (unit.read_count != 1) return;
  if (unit.route.is_kept() && plan_.sink != Sink::checkpoint) return;
  const std::uint64_t offset = plan_.reads[unit.first_read].offset;
  if (offset % element_bytes(plan_.outputs[unit.output].source_dtype) != 0) return;
  unit.landing = static_cast<std::uint32_t>(offset % io::direct_alignment);
  unit.padded = true;
}

}  // namespace plimsoll::plan
