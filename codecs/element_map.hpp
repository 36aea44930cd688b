#pragma once

#include <cstddef>
#include <cstdint>

#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs {

/// What is done to each number besides moving it: data of a converter, beside its view.
enum class ElementMap : std::uint8_t {
  none,
  subtract_one,    ///< x - 1: norms that are stored with one added
  add_one,         ///< x + 1: the way back
  add_one_in_f16,  ///< the same, rounded to F16 whatever the dtype
  log_negate,      ///< log(-x): state-space decay
  negate_exp,      ///< -exp(x): the way back
};

/// Whether apply() works on the dtype: F32, F16 and BF16 (every dtype for none).
[[nodiscard]] bool can_map(ElementMap map, Dtype dtype) noexcept;

/// Maps `count` numbers in place, aligned to their size. As torch does it on the CPU: a 16-bit
/// number is widened to fp32, mapped, and rounded once to nearest even; x - 1 is the fp32
/// difference. Logarithm and exponential are taken in fp64 and rounded to fp32, so that they are
/// the nearest ones (to within the accuracy of fp64), whatever the mathematical library; other
/// libraries' fp32 results may be one unit in the last place away. log(-x) of a positive x is NaN,
/// of zero minus infinity. Only if can_map(map, dtype). No allocation.
void apply(ElementMap map, Dtype dtype, std::byte* numbers, std::size_t count) noexcept;

}  // namespace plimsoll::codecs
