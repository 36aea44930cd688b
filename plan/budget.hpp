#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "plan/make_plan.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"

namespace plimsoll::plan {

/// What the budget needs to know of an output tensor.
struct SizedTensor {
  const OutputTensor* output = nullptr;
  const views::View* view = nullptr;  ///< in the units of Unit::region
  Work work;
  bool reorders = false;  ///< some unit may have to be rearranged
  /// Bytes of scales that its source ranges need at most, beside what follows from the elements: a
  /// tensor of FP8 with scales. Bytes a row of tiles, elements a row of tiles, most ranges a unit.
  std::uint64_t scale_row_bytes = 0;
  std::uint64_t scale_row_elements = 0;
  std::uint64_t scale_ranges = 0;
};

/// How the units of one tensor come together.
struct MergeChoice {
  Merge merge = Merge::fold;
  std::uint32_t slots = 1;  ///< that a unit takes
};

/// The sizes that were chosen; `devices` have everything but names and unit counts.
struct Sizes {
  std::uint64_t unit_bytes = 0;
  std::uint64_t smallest_load_line = 0;
  bool direct_allowed = true;
  std::vector<DeviceLine> devices;
  std::vector<MergeChoice> merges;  ///< one a tensor
};

/// Draws every device's load line, and lowers what may be lowered until it fits the budget, in the
/// order that make_plan states. `finals`: final bytes a device. Errors: infeasible_budget;
/// unsupported, for a tensor that PlanRequest::merge cannot be done to.
[[nodiscard]] Expected<Sizes> fit_to_budget(std::span<const SizedTensor> tensors,
                                            std::span<const std::uint64_t> finals,
                                            const PlanRequest& request);

}  // namespace plimsoll::plan
