#pragma once

#include <cstddef>

#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs {

/// Whether cast() knows the pair: from any floating-point dtype of whole bytes (F64, F32, F16,
/// BF16 and the eight-bit floats) to F32, F16 or BF16.
[[nodiscard]] bool can_cast(Dtype from, Dtype to) noexcept;

/// Converts `count` elements, rounding to nearest even, as torch's `to` does on the CPU: once, but
/// from F64 to a 16-bit dtype twice, for torch goes through F32 there. NaN stays
/// NaN and keeps its sign; it becomes quiet unless the dtypes are equal. Source and destination are
/// aligned to their elements and do not overlap, except that equal dtypes may share the address. No
/// allocation.
void cast(Dtype from, const std::byte* source, Dtype to, std::byte* destination, std::size_t count);

/// The same bytes from plain scalar code (for NaN: the same payload too).
void cast_scalar(Dtype from, const std::byte* source, Dtype to, std::byte* destination,
                 std::size_t count);

}  // namespace plimsoll::codecs
