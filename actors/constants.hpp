#pragma once

#include <cstddef>

#include "actors/load_run.hpp"

namespace plimsoll::actors {

/// Copies the components whose bytes the plan knows to where they belong: final memory or the
/// caller's. Nothing for other sinks.
void place_constants(LoadRun& run);

/// The same for one tensor in an output buffer of its own.
void place_constants(const plan::Plan& plan, const plan::OutputTensor& output, std::byte* buffer);

/// Nothing is measured yet.
void clear_states(const LoadRun& run);

}  // namespace plimsoll::actors
