#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "views/copies.hpp"
#include "views/view.hpp"

namespace plimsoll::views {

/// Elements of a source that follow each other.
struct SourceRange {
  std::uint32_t source = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  friend bool operator==(const SourceRange&, const SourceRange&) = default;
};

/// Exactly the source elements that feed a region: the fewest ranges, none touching the next,
/// sorted by source and place. Time and memory grow with the runs the region's copies are made of
/// before joining, which may be single elements where a view transposes and the region is not one
/// of cut_units(); do not ask for such regions of large tensors.
[[nodiscard]] std::vector<SourceRange> source_ranges(const View& view, const Region& region);

/// The ranges of [begin, end) of the flattened result.
[[nodiscard]] std::vector<SourceRange> source_ranges(const View& view, std::uint64_t begin,
                                                     std::uint64_t end);

/// Where a source's elements are stored. `block_elements` of them make `block_bytes` (32 and 18 for
/// GGUF's Q4_0; 1 and 2 for BF16) and are read together.
struct SourcePlace {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;  ///< bytes into the file
  std::uint32_t block_elements = 1;
  std::uint32_t block_bytes = 1;
};

/// Bytes of a file.
struct FileRange {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const FileRange&, const FileRange&) = default;
};

/// What to read for these ranges: whole blocks, in file order, ranges joined that lie at most
/// `most_gap` bytes apart (0: that touch). places[s] is that of source s.
[[nodiscard]] std::vector<FileRange> file_ranges(std::span<const SourceRange> ranges,
                                                 std::span<const SourcePlace> places,
                                                 std::uint64_t most_gap = 0);

/// Rewrites a copy whose sources were read: ranges[i] (as source_ranges() gave them) now lies at
/// element landed[i] of a slot. Appends to `out` copies that read from there: `source` stays, the
/// source side counts slot elements. One copy, unless the ranges lie so irregularly that no strides
/// describe them; then as few as regular stretches make. `landed` ascends.
void append_landed(const StridedBox& copy, std::span<const SourceRange> ranges,
                   std::span<const std::uint64_t> landed, std::vector<StridedBox>& out);

}  // namespace plimsoll::views
