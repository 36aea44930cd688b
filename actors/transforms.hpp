#pragma once

#include "actors/messages.hpp"

namespace plimsoll::actors {

/// The one pure step of each converting stage: reads the unit's slot, writes the unit's place. All
/// that they need is in the plan; nothing is allocated.

/// Stored numbers (eight-bit floats, F64) -> the working dtype, further back in the slot.
void decode_unit(const UnitTask& task);

/// A cast: slot -> place.
void convert_unit(const UnitTask& task);

/// Codes and scales: slot -> place.
void quantize_unit(const UnitTask& task);

}  // namespace plimsoll::actors
