#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/plan.hpp"
#include "views/source_ranges.hpp"
#include "views/units.hpp"

namespace plimsoll::plan {

/// Rows of tiles' scales that a range of numbers lies under, in bytes of the tensor of scales.
struct ScaleRows {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};
[[nodiscard]] ScaleRows scale_rows(const SourceScales& scales,
                                   const views::SourceRange& range) noexcept;

/// Bytes of one row of tiles' scales.
[[nodiscard]] std::uint64_t scale_row_bytes(const SourceScales& scales) noexcept;

/// Finds what the units of a view read. Keeps the lists it works with from one unit to the next, so
/// that units of long runs allocate nothing. The view outlives it.
class UnitReads {
 public:
  /// `stored`: how densely the sources' numbers lie. `scaled`: a range more is more scales to read,
  /// too.
  UnitReads(const views::View& view, Packing stored, bool scaled)
      : view_(&view), stored_(stored), scaled_(scaled), in_order_(view.is_made_of_runs()) {}

  struct Found {
    std::span<const views::SourceRange> ranges;  ///< valid until the next call
    bool in_order = true;  ///< read one after the other they are the region as it should be
  };

  /// The ranges in the order of the result, if they are the fewest there are or long enough to be
  /// read one by one (not if `scaled`); else the fewest. `at_once`: what is read goes from its
  /// landing to its place in one step, so that runs of a region that lie apart have to be arranged
  /// before.
  [[nodiscard]] Found find(const views::Region& region, bool at_once);

 private:
  /// Elements of a source that land together, and where in the region.
  struct Run {
    std::uint64_t place = 0;
    views::SourceRange range;
  };

  [[nodiscard]] bool collect_runs(const views::Region& region);
  void take_runs(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] bool add_runs(const views::StridedBox& copy);
  void join_runs();

  const views::View* view_;
  Packing stored_;
  bool scaled_;
  bool in_order_;
  std::vector<Run> runs_;
  std::vector<views::SourceRange> ranges_;
};

}  // namespace plimsoll::plan
