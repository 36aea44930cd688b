#pragma once

#include "actors/messages.hpp"
#include "actors/rearranger.hpp"

namespace plimsoll::actors {

/// The one pure step of each converting stage: reads the unit's slot, writes the unit's place. All
/// that they need is in the plan.

/// Stored numbers (eight-bit floats, those with scales too, F64) -> the working dtype, further back
/// in the slot.
void decode_unit(const UnitTask& task);

/// The order of the sources -> that of the result, further back in the slot; a cast: slot -> place.
/// Which of the two, or both, the route says.
void convert_unit(const UnitTask& task, Rearranger& rearranger);

/// Codes and scales: slot -> place. Or the first of two passes: the largest magnitude -> the
/// tensor's state.
void quantize_unit(const UnitTask& task);

}  // namespace plimsoll::actors
