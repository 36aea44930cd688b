#pragma once

#include <cstdint>

#include "actors/load_run.hpp"
#include "plimsoll/load.hpp"

namespace plimsoll {

/// What a load that has ended reached beside what was planned. `buffer_bytes`: what its byte source
/// held, on the first device. The caller adds what the run does not know: bytes written, time,
/// names. Call while the run still has its memory.
[[nodiscard]] Report report_on(const Plan& planned, actors::LoadRun& run,
                               std::uint64_t buffer_bytes);

}  // namespace plimsoll
