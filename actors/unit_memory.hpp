#pragma once

#include <cstddef>
#include <cstdint>

#include "actors/messages.hpp"
#include "plan/pieces.hpp"

namespace plimsoll::actors {

/// Where the bytes of a unit lie on its way. Pure address arithmetic on the plan.

/// Where its source bytes are read to: its slot; for a kept unit, where it belongs in the end
/// (final memory or output buffer).
[[nodiscard]] std::byte* landing_of(const UnitTask& task) noexcept;

/// Where the plain numbers lie that a cast or the quantizer reads: in the slot, behind the source
/// if decoded.
[[nodiscard]] std::byte* numbers_of(const UnitTask& task) noexcept;

/// Where a piece of its result belongs: final memory, the caller's memory, or an output buffer.
[[nodiscard]] std::byte* destination_of(const UnitTask& task, const plan::Piece& piece) noexcept;

}  // namespace plimsoll::actors
