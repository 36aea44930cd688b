#pragma once

#include <string>
#include <vector>

#include "plimsoll/load.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll::cli {

/// The names in which model and checkpoint differ, in one table: missing, unexpected, mismatched
/// with both shapes; those that differ in nothing but numbers on one line. What each word means
/// stands below the table. Empty if there are no such names.
[[nodiscard]] std::string report_table(const Report& report);

/// The same of what a plan found.
[[nodiscard]] std::string report_table(const Plan& plan);

/// One line with the checks that could not be made; empty if all were.
[[nodiscard]] std::string unchecked_text(const std::vector<std::string>& sentences);

}  // namespace plimsoll::cli
