#pragma once

#include <string>

#include "errors/expected.hpp"
#include "plan/plan.hpp"
#include "trace/recorder.hpp"

namespace plimsoll {

/// Refuses a trace that could not be written at the end, when the load has lasted for hours. An
/// empty name is no trace.
[[nodiscard]] Expected<void> check_trace_place(const std::string& file);

/// Refuses a trace that would take the place of something else: of a file in the source directory
/// that is no trace, or of anything in the output directory, which holds nothing but the
/// checkpoint.
[[nodiscard]] Expected<void> check_trace_harms_nothing(const std::string& file,
                                                       const std::string& source_directory,
                                                       const std::string& out);

/// Writes what was recorded of a load, if anything was to be. Times count from the start of the
/// recorder's clock. Nobody may record meanwhile. Errors: those of trace::write_trace.
[[nodiscard]] Expected<void> write_load_trace(const std::string& file, const plan::Plan& plan,
                                              const trace::Recorder& recorder, bool complete);

}  // namespace plimsoll
