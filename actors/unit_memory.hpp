#pragma once

#include <cstddef>
#include <cstdint>

#include "actors/messages.hpp"
#include "plan/pieces.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::actors {

/// Where the bytes of a unit lie on its way. Pure address arithmetic on the plan.

/// The parts of the unit's slot.
[[nodiscard]] plan::SlotLayout slot_of(const UnitTask& task) noexcept;

/// Where its source bytes are read to: its slot; for a kept unit, where it belongs in the end
/// (final memory or output buffer).
[[nodiscard]] std::byte* landing_of(const UnitTask& task) noexcept;

/// Where the scales of its sources are read to.
[[nodiscard]] std::byte* scales_of(const UnitTask& task) noexcept;

/// Where the numbers are decoded to.
[[nodiscard]] std::byte* decoded_of(const UnitTask& task) noexcept;

/// Where the numbers lie in the order of the result, if the unit is rearranged.
[[nodiscard]] std::byte* arranged_of(const UnitTask& task) noexcept;

/// What a cast or the quantizer reads: what the steps before left in the slot.
[[nodiscard]] const std::byte* numbers_of(const UnitTask& task) noexcept;

/// Where a piece of its result belongs: final memory, the caller's memory, or an output buffer.
struct Destination {
  std::byte* first = nullptr;
  std::uint64_t stride = 0;  ///< bytes from one run of the piece to the next
};
[[nodiscard]] Destination destination_of(const UnitTask& task, const plan::Piece& piece) noexcept;

/// Where units that measure leave what they found, as the bits of a float.
[[nodiscard]] std::uint32_t& state_of(const UnitTask& task) noexcept;

}  // namespace plimsoll::actors
