#pragma once

#include "api/draft.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll {

/// What the public API tells of a plan.
[[nodiscard]] Plan summarize(const Draft& draft);

}  // namespace plimsoll
