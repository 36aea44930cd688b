#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "errors/expected.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"

namespace plimsoll::plan {

/// What the budget needs to know of an output tensor.
struct SizedTensor {
  const OutputTensor* output = nullptr;
  const views::View* view = nullptr;  ///< in the units of Unit::region
  Work work;
  /// Plan::scales.
  const std::vector<std::optional<SourceScales>>* scales = nullptr;
  bool reorders = false;  ///< some unit may have to be rearranged
};

/// Memory that one tensor's units need, cut or as one. Bytes, whole pages.
struct Needs {
  std::uint64_t unit_slot = 0;  ///< 0: it takes none
  std::uint64_t whole_slot = 0;
  std::uint64_t unit_output = 0;  ///< one unit's pieces on their way to a checkpoint
  std::uint64_t whole_output = 0;
  std::uint64_t unit_elements = 0;  ///< of the largest unit

  /// Whether it is one unit anyway.
  bool one_unit = false;
};

/// Never less than what UnitCutter makes of the tensor needs, and the same for tensors whose units
/// arrive in order without scales. Constant time for those; linear in boxes where there are scales;
/// as long as cutting takes for views that transpose, and for others that reorder scaled numbers.
/// invalid_argument if there would be more than most_units.
[[nodiscard]] Expected<Needs> needs_of(const SizedTensor& tensor, std::uint64_t unit_bytes);

}  // namespace plimsoll::plan
