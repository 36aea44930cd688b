#pragma once

#include <string>

#include "plimsoll/load.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll::cli {

/// What is printed before anything is read: a line a device with its load line and what it is made
/// of.
[[nodiscard]] std::string load_line_text(const Plan& plan);

/// What is printed at the end: what was left as it was, the names in which model and checkpoint
/// differ, time, rate, and the peak reached beside the load line.
[[nodiscard]] std::string report_text(const Report& report);

}  // namespace plimsoll::cli
