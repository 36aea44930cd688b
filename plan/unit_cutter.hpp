#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/budget.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"
#include "plan/unit_reads.hpp"
#include "views/units.hpp"

namespace plimsoll::plan {

/// Cuts a plan's outputs into units and finds what each reads. Fills in units, reads and what
/// OutputTensor knows of its units. All arguments outlive it.
class UnitCutter {
 public:
  UnitCutter(const io::Catalogue& catalogue, std::span<const Work> works, const Sizes& sizes,
             Plan& plan)
      : catalogue_(catalogue), works_(works), sizes_(sizes), plan_(plan) {}

  /// invalid_argument if there would be more than most_units; to be asked before anything is cut.
  /// Sees to it that the plan's lists need not grow while it is cut.
  [[nodiscard]] Expected<void> check_count() const;

  /// All outputs in order, each once.
  [[nodiscard]] Expected<void> cut(std::uint32_t output);

 private:
  [[nodiscard]] views::UnitRules rules_for(std::uint32_t output) const;
  [[nodiscard]] Expected<void> add_unit(std::uint32_t output, const views::Region& region,
                                        bool measures, UnitReads& reads);
  Expected<void> add_reads(Unit& unit, std::span<const views::SourceRange> ranges);
  void add_scale_reads(Unit& unit);
  void place_landing(Unit& unit) const;

  const io::Catalogue& catalogue_;
  std::span<const Work> works_;
  const Sizes& sizes_;
  Plan& plan_;
};

}  // namespace plimsoll::plan
