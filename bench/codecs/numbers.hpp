#pragma once

#include <cstddef>
#include <vector>

#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs::bench {

/// Bytes of source in every benchmark: a unit as the loader reads it, which stays in L2.
inline constexpr std::size_t unit_bytes = std::size_t{1} << 20;

/// A unit of numbers spread like weights: bell-shaped around zero, deviation 0.02; the same on
/// every call. For the eight-bit floats, every byte is as likely as any other. Not for F64.
std::vector<std::byte> weights(Dtype dtype);

}  // namespace plimsoll::codecs::bench
