#pragma once

#include <vector>

#include "errors/expected.hpp"
#include "plan/blueprint.hpp"
#include "plan/make_plan.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"

namespace plimsoll::plan {

/// Describes what becomes of each blueprint: fills in the plan's outputs, one a blueprint in their
/// order, with their components, views and weights of errors. Needs the plan's packed sources.
/// Takes names and views of the blueprints. Returns the work of each output.
///
/// Errors: unsupported for a format that cannot be made from a tensor's dtype or shape, malformed
/// for scales of some parts only or weights that do not fit a tensor; they name the tensor.
[[nodiscard]] Expected<std::vector<Work>> describe_outputs(const io::Catalogue& catalogue,
                                                           Blueprints& blueprints,
                                                           const PlanRequest& request, Plan& plan);

}  // namespace plimsoll::plan
