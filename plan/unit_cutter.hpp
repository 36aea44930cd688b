#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/budget.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"
#include "views/source_ranges.hpp"
#include "views/units.hpp"

namespace plimsoll::plan {

/// Whether all units of a view can be read straight into the order of the result: each of its boxes
/// is a run of one source.
[[nodiscard]] bool arrives_in_order(const views::View& view) noexcept;

/// How many different tensors a view is made of.
[[nodiscard]] std::uint32_t count_sources(const views::View& view);

/// Bytes of one row of tiles' scales.
[[nodiscard]] std::uint64_t scale_row_bytes(const SourceScales& scales) noexcept;

/// Cuts a plan's outputs into units and finds what each reads. Fills in units, reads and what
/// OutputTensor knows of its units. All arguments outlive it.
class UnitCutter {
 public:
  UnitCutter(const io::Catalogue& catalogue, std::span<const Work> works, const Sizes& sizes,
             Plan& plan)
      : catalogue_(catalogue), works_(works), sizes_(sizes), plan_(plan) {}

  /// invalid_argument if there would be more than most_units; to be asked before anything is cut.
  [[nodiscard]] Expected<void> check_count() const;

  /// All outputs in order, each once.
  [[nodiscard]] Expected<void> cut(std::uint32_t output);

 private:
  [[nodiscard]] views::UnitRules rules_for(std::uint32_t output) const;
  [[nodiscard]] Expected<void> add_unit(std::uint32_t output, const views::Region& region,
                                        bool measures);
  void find_reads(Unit& unit, bool order_matters);
  [[nodiscard]] bool collect_runs(const views::View& view, const views::Region& region);
  void add_scale_reads(Unit& unit);
  void place_landing(Unit& unit) const;

  /// Elements of a source that land together, and where in the region.
  struct Run {
    std::uint64_t place = 0;
    views::SourceRange range;
  };

  const io::Catalogue& catalogue_;
  std::span<const Work> works_;
  const Sizes& sizes_;
  Plan& plan_;
  std::vector<Run> runs_;
};

}  // namespace plimsoll::plan
