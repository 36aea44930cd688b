#include "plan/unit_needs.hpp"

#include <algorithm>
#include <limits>

#include "plan/align.hpp"
#include "plan/unit_reads.hpp"
#include "plan/unit_sizes.hpp"
#include "views/units.hpp"

namespace plimsoll::plan {
namespace {

void raise(std::uint64_t& value, std::uint64_t to) {
  value = std::max(value, to);
}

/// Bounds the scales that ranges of a tensor whose units arrive in order lie under.
class ScaleBound {
 public:
  explicit ScaleBound(const SizedTensor& tensor) : boxes_(tensor.view->box_count()) {
    for (std::size_t i = 0; i < boxes_; ++i) {
      const views::StridedBox box = tensor.view->box(i);
      const SourceScales& scales = *(*tensor.scales)[box.source];
      const codecs::Fp8Grid& grid = scales.grid;
      // The last row of tiles of a matrix may be low.
      const std::uint64_t low = grid.rows % grid.tile_rows;
      row_bytes_ = std::max(row_bytes_, scale_row_bytes(scales));
      row_elements_ = std::min(row_elements_, (low > 0 ? low : grid.tile_rows) * grid.columns);
      least_box_ = std::min(least_box_, views::elements_of(box));
    }
  }

  [[nodiscard]] std::uint64_t operator()(const views::Region& region) const {
    const std::uint64_t elements = region.elements();
    if (elements == 0) return 0;
    const bool flat = region.rows == 1 || region.columns == region.row_stride;
    const std::uint64_t span =
        flat ? elements : (region.rows - 1) * region.row_stride + region.columns;
    const std::uint64_t ranges =
        std::min(elements,
                 (flat ? 0 : region.rows) + std::min<std::uint64_t>(boxes_, span / least_box_ + 2));
    // A range reaches into one row of tiles more at either end.
    return (elements / row_elements_ + 2 * ranges) * row_bytes_ + ranges * component_alignment;
  }

 private:
  std::uint64_t boxes_;
  std::uint64_t row_bytes_ = 0;
  std::uint64_t row_elements_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t least_box_ = std::numeric_limits<std::uint64_t>::max();
};

/// Raises needs by one region after the other.
class Measure {
 public:
  explicit Measure(const SizedTensor& tensor) : tensor_(tensor), route_(tensor.work.route) {
    if (tensor.reorders) route_ = rearranged(route_, tensor.output->is_coded());
  }

  [[nodiscard]] bool takes_slots() const { return !route_.is_kept(); }

  void add(const views::Region& region, std::uint64_t scales, std::uint64_t& slot,
           std::uint64_t& out) const {
    const OutputTensor& output = *tensor_.output;
    if (takes_slots()) {
      const SlotLayout layout =
          slot_layout(output.stored, tensor_.work.working, route_, region.elements(), scales);
      raise(slot, align_up(layout.bytes, page_size));
    }
    raise(out, unit_output_bytes(output, route_, region));
    // One whose reads are in order after all is kept, and its read wants room to be aligned.
    if (tensor_.reorders) raise(out, unit_output_bytes(output, tensor_.work.route, region));
  }

 private:
  const SizedTensor& tensor_;
  Route route_;
};

/// Bytes of the scales that one unit reads.
std::uint64_t scales_read(const SizedTensor& tensor, UnitReads& reads, const views::Region& region,
                          bool at_once) {
  std::uint64_t bytes = 0;
  for (const views::SourceRange& range : reads.find(region, at_once).ranges) {
    bytes +=
        align_up(scale_rows(*(*tensor.scales)[range.source], range).bytes, component_alignment);
  }
  return bytes;
}

/// Numbers with scales in another order: only the reads themselves tell how many scales they need.
Expected<Needs> needs_of_reads(const SizedTensor& tensor, const views::UnitRules& rules) {
  const auto units = views::cut_units(*tensor.view, rules);
  if (!units) return fail(units.error());
  const Measure measure(tensor);
  const bool at_once = lands_at_once(tensor.work.route, true);
  UnitReads reads(*tensor.view, tensor.output->stored, true);
  Needs needs;
  std::uint64_t scales = 0;
  for (const views::Region& region : units->regions) {
    const std::uint64_t of_unit = scales_read(tensor, reads, region, at_once);
    measure.add(region, of_unit, needs.unit_slot, needs.unit_output);
    scales += of_unit;
  }
  // Together the units read no fewer ranges than the tensor as one.
  const views::Region whole{0, 1, tensor.view->elements(), 0};
  measure.add(whole, scales, needs.whole_slot, needs.whole_output);
  needs.unit_elements = units->largest;
  needs.one_unit = units->largest == whole.elements();
  if (!needs.one_unit) return needs;
  needs.unit_slot = needs.whole_slot = std::max(needs.unit_slot, needs.whole_slot);
  needs.unit_output = needs.whole_output = std::max(needs.unit_output, needs.whole_output);
  return needs;
}

}  // namespace

Expected<Needs> needs_of(const SizedTensor& tensor, std::uint64_t unit_bytes) {
  const OutputTensor& output = *tensor.output;
  const auto rules = unit_rules(output.stored, tensor.work, unit_bytes);
  const views::Region whole{0, 1, tensor.view->elements(), 0};
  if (output.scaled && tensor.reorders) return needs_of_reads(tensor, rules);
  const std::optional<ScaleBound> bound =
      output.scaled ? std::optional<ScaleBound>(tensor) : std::nullopt;
  const auto scales = [&](const views::Region& region) { return bound ? (*bound)(region) : 0; };
  const Measure measure(tensor);
  Needs needs;
  measure.add(whole, scales(whole), needs.whole_slot, needs.whole_output);
  const auto units = views::largest_units(*tensor.view, rules);
  if (!units) return fail(units.error());
  needs.unit_elements = units->largest;
  needs.one_unit = units->largest == whole.elements();
  if (needs.one_unit) {
    needs.unit_slot = needs.whole_slot;
    needs.unit_output = needs.whole_output;
    return needs;
  }
  for (const views::Region& region : units->regions) {
    measure.add(region, scales(region), needs.unit_slot, needs.unit_output);
  }
  return needs;
}

}  // namespace plimsoll::plan
