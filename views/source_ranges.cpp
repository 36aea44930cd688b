#include "views/source_ranges.hpp"

#include <algorithm>
#include <tuple>

namespace plimsoll::views {

namespace {

/// The contiguous runs of a box, widest first as far as its own axes tell.
void append_runs(StridedBox box, std::vector<SourceRange>& runs) {
  const auto axes = box.used();
  sort_by_source(axes);
  std::uint64_t run = 1;
  std::size_t dense = 0;
  while (dense < axes.size() && axes[dense].source_stride == run) run *= axes[dense++].extent;
  std::array<std::uint64_t, max_axes> index{};
  std::uint64_t at = box.source_offset;
  for (;;) {
    runs.push_back({box.source, at, run});
    std::size_t digit = dense;
    for (; digit < axes.size(); ++digit) {
      if (++index[digit] < axes[digit].extent) {
        at += axes[digit].source_stride;
        break;
      }
      index[digit] = 0;
      at -= (axes[digit].extent - 1) * axes[digit].source_stride;
    }
    if (digit == axes.size()) return;
  }
}

}  // namespace

std::vector<SourceRange> source_ranges(const View& view, const Region& region) {
  std::vector<SourceRange> runs;
  for_each_copy(view, region, [&](const StridedBox& copy) { append_runs(copy, runs); });
  std::sort(runs.begin(), runs.end(), [](const SourceRange& a, const SourceRange& b) {
    return std::tie(a.source, a.first) < std::tie(b.source, b.first);
  });
  std::size_t kept = 0;
  for (const SourceRange& run : runs) {
    if (kept != 0 && runs[kept - 1].source == run.source &&
        run.first <= runs[kept - 1].first + runs[kept - 1].count) {
      SourceRange& last = runs[kept - 1];
      last.count = std::max(last.count, run.first + run.count - last.first);
    } else {
      runs[kept++] = run;
    }
  }
  runs.resize(kept);
  return runs;
}

std::vector<SourceRange> source_ranges(const View& view, std::uint64_t begin, std::uint64_t end) {
  return source_ranges(view, Region{begin, 1, end - begin, 0});
}

std::vector<FileRange> file_ranges(std::span<const SourceRange> ranges,
                                   std::span<const SourcePlace> places, std::uint64_t most_gap) {
  std::vector<FileRange> files;
  files.reserve(ranges.size());
  for (const SourceRange& range : ranges) {
    const SourcePlace& place = places[range.source];
    const std::uint64_t first = range.first / place.block_elements;
    const std::uint64_t last = (range.first + range.count - 1) / place.block_elements;
    files.push_back({place.file, place.offset + first * place.block_bytes,
                     (last - first + 1) * place.block_bytes});
  }
  std::sort(files.begin(), files.end(), [](const FileRange& a, const FileRange& b) {
    return std::tie(a.file, a.offset) < std::tie(b.file, b.offset);
  });
  std::size_t kept = 0;
  for (const FileRange& next : files) {
    if (kept != 0) {
      FileRange& last = files[kept - 1];
      const std::uint64_t end = last.offset + last.bytes;
      if (last.file == next.file && (next.offset <= end || next.offset - end <= most_gap)) {
        last.bytes = std::max(end, next.offset + next.bytes) - last.offset;
        continue;
      }
    }
    files[kept++] = next;
  }
  files.resize(kept);
  return files;
}

namespace {

/// Rewrites boxes axis by axis, the widest in the source first, until each lies in one range.
class Lander {
 public:
  Lander(std::span<const SourceRange> ranges, std::span<const std::uint64_t> landed,
         std::vector<StridedBox>& out)
      : ranges_(ranges), landed_(landed), out_(out) {}

  /// `box` has its axes sorted by source stride, ascending; those from `open` on are fixed already.
  void land(StridedBox box, std::size_t open) {
    std::uint64_t at = 0;
    if (place(box, open, at)) {
      box.source_offset = at;
      emit(box);
      return;
    }
    const std::size_t wide = open - 1;
    const Axis axis = box.axes[wide];
    StridedBox stretch;  // indices of the axis that share a pitch
    std::uint64_t previous = 0;
    bool begun = false;
    for (std::uint64_t i = 0; i < axis.extent; ++i) {
      StridedBox one = box;
      one.axes[wide].extent = 1;
      one.source_offset += i * axis.source_stride;
      one.result_offset += i * axis.result_stride;
      if (!place(one, wide, at)) {
        if (begun) emit(stretch);
        begun = false;
        land(one, wide);
        continue;
      }
      Axis& counted = stretch.axes[wide];
      if (begun && counted.extent == 1) counted.source_stride = at - previous;
      if (begun && at - previous == counted.source_stride) {
        ++counted.extent;
      } else {
        if (begun) emit(stretch);
        stretch = one;
        stretch.source_offset = at;
        begun = true;
      }
      previous = at;
    }
    if (begun) emit(stretch);
  }

 private:
  /// Where the box begins in the slot, if its first `open` axes stay in one range.
  bool place(const StridedBox& box, std::size_t open, std::uint64_t& at) const {
    std::uint64_t span = 1;
    for (std::size_t i = 0; i < open; ++i) {
      span += (box.axes[i].extent - 1) * box.axes[i].source_stride;
    }
    const auto after =
        std::partition_point(ranges_.begin(), ranges_.end(), [&](const SourceRange& range) {
          return std::tie(range.source, range.first) <= std::tie(box.source, box.source_offset);
        });
    const SourceRange& range = *(after - 1);
    if (box.source_offset + span > range.first + range.count) return false;
    at = landed_[static_cast<std::size_t>(after - 1 - ranges_.begin())] + box.source_offset -
         range.first;
    return true;
  }

  void emit(StridedBox box) {
    tidy(box);
    out_.push_back(box);
  }

  std::span<const SourceRange> ranges_;
  std::span<const std::uint64_t> landed_;
  std::vector<StridedBox>& out_;
};

}  // namespace

void append_landed(const StridedBox& copy, std::span<const SourceRange> ranges,
                   std::span<const std::uint64_t> landed, std::vector<StridedBox>& out) {
  StridedBox box = copy;
  sort_by_source(box.used());
  Lander(ranges, landed, out).land(box, box.axis_count);
}

}  // namespace plimsoll::views
