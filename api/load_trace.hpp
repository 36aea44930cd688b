#pragma once

#include <string>

#include "errors/expected.hpp"
#include "plan/plan.hpp"
#include "trace/recorder.hpp"

namespace plimsoll {

/// Refuses a trace that could not be written at the end, when the load has lasted for hours. An
/// empty name is no trace.
[[nodiscard]] Expected<void> check_trace_place(const std::string& file);

/// Writes what was recorded of a load, if anything was to be. Times count from the start of the
/// recorder's clock. Nobody may record meanwhile. Errors: those of trace::write_trace.
[[nodiscard]] Expected<void> write_load_trace(const std::string& file, const plan::Plan& plan,
                                              const trace::Recorder& recorder, bool complete);

}  // namespace plimsoll
