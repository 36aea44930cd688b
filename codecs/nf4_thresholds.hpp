#pragma once

#include <array>
#include <cstddef>

#include "codecs/nf4.hpp"

namespace plimsoll::codecs {

// Where NF4 passes from one code to the next. A scaled element's code is the number of thresholds
// strictly below it, so a tie keeps the lower code.

/// The CUDA kernel's decision tree compares with decimal constants. Four of them lie halfway
/// between two floats as far as their digits go, and round to the other one than the midpoint does.
/// Source: bitsandbytes, the NF4 tree of its CUDA quantizer.
inline constexpr std::array<float, 15> nf4_cuda_thresholds = {
    -0.8480964004993439f,  -0.6106329262256622f,  -0.4599952697753906f,   -0.33967943489551544f,
    -0.23460740596055984f, -0.13791173323988914f, -0.045525018125772476f, 0.03979014977812767f,
    0.1202552504837513f,   0.2035212516784668f,   0.2920137718319893f,    0.3893125355243683f,
    0.5016634166240692f,   0.6427869200706482f,   0.8614784181118011f,
};

/// The CPU backend takes the midpoints of neighbouring values, rounded to fp32.
inline constexpr std::array<float, 15> nf4_cpu_thresholds = [] {
  std::array<float, 15> midpoints{};
  for (std::size_t i = 0; i < midpoints.size(); ++i) {
    midpoints[i] = (nf4_values[i] + nf4_values[i + 1]) * 0.5f;
  }
  return midpoints;
}();

[[nodiscard]] constexpr const std::array<float, 15>& nf4_thresholds(Nf4Variant variant) {
  return variant == Nf4Variant::cuda ? nf4_cuda_thresholds : nf4_cpu_thresholds;
}

/// The smallest divisor the cpu variant uses; subnormal in fp32.
inline constexpr float nf4_cpu_absmax_floor = 1e-38f;

}  // namespace plimsoll::codecs
