#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "codecs/float8.hpp"
#include "codecs/float_bits.hpp"
#include "codecs/fp8.hpp"

namespace plimsoll::codecs {

/// The multiplier at `index`, of dtype f32, bf16, f16 or f8_e8m0, as fp32.
[[nodiscard]] inline float fp8_scale_at(Dtype dtype, const std::byte* scales, std::uint64_t index) {
  if (dtype == Dtype::f8_e8m0) return f32_from_e8m0(std::to_integer<std::uint8_t>(scales[index]));
  if (dtype == Dtype::f32) {
    float scale = 0;
    std::memcpy(&scale, scales + index * sizeof scale, sizeof scale);
    return scale;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, scales + index * sizeof bits, sizeof bits);
  return dtype == Dtype::f16 ? f32_from_f16(bits) : f32_from_bf16(bits);
}

/// Cuts a range of flat elements into runs that share a scale and calls
/// `decode(offset from first, length, scale)` for each.
template <class Decode>
void for_each_fp8_run(std::uint64_t first, std::size_t count, const Fp8Grid& grid,
                      Dtype scale_dtype, const std::byte* scales, Decode decode) {
  const std::uint64_t scales_per_row = fp8_scales_per_row(grid);
  const std::uint64_t first_tile_row = count == 0 ? 0 : fp8_tile_row(grid, first);
  for (std::size_t done = 0; done < count;) {
    const std::uint64_t tile_row = fp8_tile_row(grid, first + done) - first_tile_row;
    const std::byte* row_scales = scales + tile_row * scales_per_row * (bits_of(scale_dtype) / 8);
    // To the end of the matrix's row, tile by tile.
    for (std::uint64_t column = (first + done) % grid.columns;
         column < grid.columns && done < count;) {
      const std::uint64_t tile = column / grid.tile_columns;
      const std::uint64_t end =
          std::min(grid.columns - tile * grid.tile_columns, grid.tile_columns) +
          tile * grid.tile_columns;
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(end - column, count - done));
      decode(done, length, fp8_scale_at(scale_dtype, row_scales, tile));
      column += length;
      done += length;
    }
  }
}

/// One element: fl(code * scale); every NaN is the same one.
[[nodiscard]] inline float fp8_decoded(std::byte code, float scale) {
  const float value = f32_from_e4m3(std::to_integer<std::uint8_t>(code)) * scale;
  return value != value ? std::numeric_limits<float>::quiet_NaN() : value;
}

}  // namespace plimsoll::codecs
