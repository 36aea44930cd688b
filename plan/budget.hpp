#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "plan/make_plan.hpp"
#include "plan/plan.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {

/// What the budget needs to know of an output tensor. Sizes in bytes.
struct SizedTensor {
  Dtype dtype = Dtype::f32;
  Work work;
  std::uint64_t source_bytes = 0;
  std::uint64_t buffer_bytes = 0;
  std::uint16_t device = 0;
  codecs::Format format;
};

/// The sizes that were chosen; `devices` have everything but names and unit counts.
struct Sizes {
  std::uint64_t unit_bytes = 0;
  std::uint64_t smallest_load_line = 0;
  bool direct_allowed = true;
  std::vector<DeviceLine> devices;
};

/// Draws every device's load line, and lowers what may be lowered until it fits the budget, in the
/// order that make_plan states. `finals`: final bytes a device. infeasible_budget otherwise.
[[nodiscard]] Expected<Sizes> fit_to_budget(std::span<const SizedTensor> tensors,
                                            std::span<const std::uint64_t> finals,
                                            const PlanRequest& request);

}  // namespace plimsoll::plan
