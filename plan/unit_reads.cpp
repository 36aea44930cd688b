#include "plan/unit_reads.hpp"

#include <algorithm>

#include "codecs/fp8.hpp"
#include "plan/treatment.hpp"
#include "views/copies.hpp"

namespace plimsoll::plan {
namespace {

/// Reads at least this long are worth as many system calls; shorter ones are read together and
/// sorted out in memory.
constexpr std::uint64_t worthwhile_read = 16 * 1024;

/// A region of more runs than this is not read run by run.
constexpr std::size_t most_runs = 4096;

}  // namespace

std::uint64_t scale_row_bytes(const SourceScales& scales) noexcept {
  return codecs::fp8_scales_per_row(scales.grid) * element_bytes(scales.dtype);
}

ScaleRows scale_rows(const SourceScales& scales, const views::SourceRange& range) noexcept {
  const std::uint64_t row_bytes = scale_row_bytes(scales);
  const std::uint64_t first = codecs::fp8_tile_row(scales.grid, range.first);
  const std::uint64_t last = codecs::fp8_tile_row(scales.grid, range.first + range.count - 1);
  return {first * row_bytes, (last - first + 1) * row_bytes};
}

UnitReads::Found UnitReads::find(const views::Region& region, bool at_once) {
  const std::uint64_t elements = region.elements();
  if (elements == 0) return {};
  const bool flat = region.rows == 1 || region.columns == region.row_stride;
  if (in_order_ && flat && view_->box_count() == 1) {
    const views::View::Run run = view_->run(0);
    ranges_.assign(1, {run.source, run.source_offset + region.first, elements});
    return {ranges_, true};
  }
  const auto in_order = [&]() -> Found {
    ranges_.clear();
    for (const Run& run : runs_) ranges_.push_back(run.range);
    return {ranges_, true};
  };
  const bool few = (flat || !at_once) && collect_runs(region);
  if (few && (runs_.size() == 1 || in_order_ ||
              (!scaled_ && stored_bytes(stored_, elements) / runs_.size() >= worthwhile_read))) {
    return in_order();
  }
  std::vector<views::SourceRange> fewest = views::source_ranges(*view_, region);
  if (few && runs_.size() <= fewest.size()) return in_order();
  ranges_ = std::move(fewest);
  return {ranges_, false};
}

/// Whether the region is made of not too many runs of its sources; `runs_` are they, in the order
/// of the region.
bool UnitReads::collect_runs(const views::Region& region) {
  runs_.clear();
  if (in_order_ && (region.rows == 1 || region.columns == region.row_stride)) {
    take_runs(region.first, region.first + region.elements());
    return true;
  }
  bool few = true;
  views::for_each_copy(*view_, region,
                       [&](const views::StridedBox& copy) { few = few && add_runs(copy); });
  if (few) join_runs();
  return few;
}

/// Those of a view that is made of runs.
void UnitReads::take_runs(std::uint64_t begin, std::uint64_t end) {
  const auto [first, last] = view_->candidates(begin, end);
  for (std::size_t i = first; i < last; ++i) {
    const views::View::Run run = view_->run(i);
    const std::uint64_t from = std::max(begin, run.result_offset);
    const std::uint64_t to = std::min(end, run.result_offset + run.count);
    const std::uint64_t skipped = from - run.result_offset;
    runs_.push_back({from - begin, {run.source, run.source_offset + skipped, to - from}});
  }
}

bool UnitReads::add_runs(const views::StridedBox& copy) {
  views::StridedBox box = copy;
  std::uint64_t length = 1;
  if (box.axis_count > 0 && box.axes[box.axis_count - 1].result_stride == 1) {
    const views::Axis& innermost = box.axes[--box.axis_count];
    if (innermost.source_stride != 1) return false;
    length = innermost.extent;
  }
  const std::uint64_t count = views::elements_of(box);
  if (!in_order_ && runs_.size() + count > most_runs) return false;
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
  return true;
}

void UnitReads::join_runs() {
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
}

}  // namespace plimsoll::plan
