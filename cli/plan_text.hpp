#pragma once

#include <string>

#include "plimsoll/plan.hpp"

namespace plimsoll::cli {

/// What `plan` prints for people: the load lines, formats, what merges cost, the names in which
/// model and checkpoint differ, and the tensors, those that differ in nothing but numbers inside
/// their names on one line ("model.layers.*.mlp.up_proj").
[[nodiscard]] std::string plan_text(const Plan& plan);

}  // namespace plimsoll::cli
