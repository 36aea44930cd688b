#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "codecs/nf4_thresholds.hpp"

namespace plimsoll::codecs {

/// A straight line that sorts scaled elements v into buckets: the bucket is the integer nearest to
/// v * slope + offset, and is found by adding a number so large that only integers are left.
struct Nf4Line {
  double slope;
  double offset;
};

/// Tables that replace a search among all thresholds by one look-up: which thresholds lie in the
/// bucket of v, and how many lie in the buckets below. With `per_bucket` comparisons the code is
/// exact whatever the rounding did to the bucket of a v near an edge, because no threshold is near
/// one: the constructor refuses a line that does not keep them away.
/// Buckets are numbered modulo `buckets`, a power of two, so that permutations, which look at the
/// low bits of an index only, can use the sum above as it is.
template <std::size_t buckets, std::size_t per_bucket>
struct Nf4Buckets {
  alignas(64) std::array<std::array<float, buckets>, per_bucket> thresholds{};
  alignas(64) std::array<std::uint32_t, buckets> below{};

  constexpr Nf4Buckets(const std::array<float, 15>& all, Nf4Line line) {
    for (auto& row : thresholds) row.fill(std::numeric_limits<float>::infinity());
    std::array<std::size_t, buckets> filled{};
    constexpr int half = static_cast<int>(buckets / 2);
    for (int bucket = -half; bucket < half; ++bucket) {
      const auto index = static_cast<std::size_t>(bucket) % buckets;
      for (const float threshold : all) {
        const double place = double{threshold} * line.slope + line.offset - bucket;  // in +-0.5
        if (place < -0.5 - margin) ++below[index];
        if (place > -0.5 - margin && place < -0.5 + margin) throw std::logic_error("at an edge");
        if (place > -0.5 + margin && place < 0.5 - margin) {
          if (filled[index] == per_bucket) throw std::logic_error("too many in a bucket");
          thresholds[filled[index]++][index] = threshold;
        }
      }
    }
  }

 private:
  static constexpr double margin = 0.05;  // fp32 arithmetic is a thousand times more exact
};

/// 32 buckets hold at most one threshold each: for machines that permute 32 floats.
inline constexpr Nf4Line nf4_line_32 = {14.6, 0.0};
using Nf4Buckets32 = Nf4Buckets<32, 1>;

/// Eight buckets hold at most three.
inline constexpr Nf4Line nf4_line_8 = {3.78, -0.5};
using Nf4Buckets8 = Nf4Buckets<8, 3>;

inline constexpr Nf4Buckets32 nf4_cuda_buckets_32(nf4_cuda_thresholds, nf4_line_32);
inline constexpr Nf4Buckets32 nf4_cpu_buckets_32(nf4_cpu_thresholds, nf4_line_32);
inline constexpr Nf4Buckets8 nf4_cuda_buckets_8(nf4_cuda_thresholds, nf4_line_8);
inline constexpr Nf4Buckets8 nf4_cpu_buckets_8(nf4_cpu_thresholds, nf4_line_8);

}  // namespace plimsoll::codecs
