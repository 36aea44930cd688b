#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "plan/make_plan.hpp"
#include "plan/plan.hpp"
#include "plan/unit_needs.hpp"

namespace plimsoll::plan {

/// How the units of one tensor come together.
struct MergeChoice {
  Merge merge = Merge::fold;
  std::uint32_t slots = 1;          ///< that a unit takes
  std::uint64_t unit_elements = 0;  ///< of the largest unit on its own
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
/// unsupported, for a tensor that PlanRequest::merge cannot be done to; those of needs_of().
/// A line that would be 2^64 bytes or more counts as the largest number there is.
[[nodiscard]] Expected<Sizes> fit_to_budget(std::span<const SizedTensor> tensors,
                                            std::span<const std::uint64_t> finals,
                                            const PlanRequest& request);

}  // namespace plimsoll::plan
