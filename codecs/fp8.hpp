#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/format.hpp"

namespace plimsoll::codecs {

// FP8 weights: E4M3 codes (largest number 448, no infinities) and the fp32 multipliers that turn
// them back, one a tile of a matrix or one a tensor. All arithmetic is in fp32 after widening; fl
// is one rounding to it. Scaled numbers are clamped to +-448, then the nearest code is taken, of
// two the even one.
//
// The recipes differ in the scale they store for a tile's largest magnitude, and in how they use
// it:
// - finegrained (transformers, FineGrainedQuantize): s = fl(amax / 448), x becomes fl(x / s); s is
// 1
//   for a tile of zeros.
// - transformers (transformers 5, Fp8Quantize): t = fl(fl(1 / amax) * 448), s = fl(1 / t), x
// becomes
//   fl(x * t); s and t are 1 for a tile of zeros.
// - vllm (DeepGEMM, per_block_cast_to_fp8): s = fl(max(amax, 1e-4) / 448), x becomes
//   fl(x * fl(1 / s)).
//
// With powers of two as scales, s is rounded up to one, and x divided by that. finegrained and
// transformers take 2^ceil(L), where L is log2 of max(s, 2^-126) rounded to fp32: a few ulps above
// a power of two L is still an integer. vllm goes by the bits, where any excess counts.
//
// NaN and infinity are as torch on a CPU has them. A NaN in a tile makes s = 1 (vllm: the positive
// quiet NaN). An infinity makes s infinite, 0xFF as a power of two: infinities become NaN and
// numbers zero (transformers with powers of two: NaN). Where amax is so small that s or t is no
// ordinary number, below about 2^-117, numbers may become 448 and zeros NaN. The code of NaN is
// 0x7F with the sign of its element.

/// A part of a row-major matrix that begins at the corner of a tile; the last tiles of a row or
/// column may be smaller than the others.
struct Fp8Tiles {
  std::size_t rows = 0;           ///< of the part
  std::size_t columns = 0;        ///< of the part
  std::size_t source_stride = 0;  ///< elements from one row of the source to the next
  std::size_t code_stride = 0;    ///< bytes from one row of codes to the next
  std::size_t scale_stride = 0;   ///< scales from one row of tiles to the next
  std::size_t tile_rows = fp8_tile;
  std::size_t tile_columns = fp8_tile;
};

/// Quantizes a part of a matrix tile by tile, by `format`'s recipe and kind of scale.
///
/// `source`: elements of f32, f16 or bf16 (nothing else), aligned to their size. `codes`: E4M3.
/// `scales`: a tile's multiplier as fp32 (aligned) or, for ue8m0, as one byte of E8M0. The source
/// and the outputs must not overlap. Reads every element twice; no allocation; safe from any
/// thread.
void fp8_block_quantize(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                        const Format& format, std::byte* codes, std::byte* scales);

/// The same bytes from plain scalar code: the definition that fp8_block_quantize is tested against.
void fp8_block_quantize_scalar(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                               const Format& format, std::byte* codes, std::byte* scales);

// One scale a tensor takes three steps: the largest magnitude, part by part, then the scale, then
// the codes, part by part.

/// The largest magnitude of `count` elements of f32, f16 or bf16; 0 of none. NaN counts for
/// nothing, infinity for infinity: the results of parts combine with std::max, in any order.
[[nodiscard]] float fp8_absmax(Dtype dtype, const std::byte* source, std::size_t count);
[[nodiscard]] float fp8_absmax_scalar(Dtype dtype, const std::byte* source, std::size_t count);

/// The stored multiplier of a tensor with this largest magnitude: fl(absmax / 448); 1 for a tensor
/// of zeros, and for numbers so small that 1 / scale would be infinite: they become zeros.
[[nodiscard]] float fp8_tensor_scale(float absmax);

/// E4M3 of fl(x * fl(1 / scale)), clamped to +-448. NaN gives 0x7F with the element's sign, and so
/// does infinity under an infinite scale. Memory as for fp8_block_quantize.
void fp8_tensor_quantize(Dtype dtype, const std::byte* source, std::size_t count, float scale,
                         std::byte* codes);
void fp8_tensor_quantize_scalar(Dtype dtype, const std::byte* source, std::size_t count,
                                float scale, std::byte* codes);

/// How scales lie over a tensor: `rows` x `columns` is one matrix. A tensor of rank 3 is matrices
/// one after the other, and tiles start anew in each. No member is 0. One scale for all of a tensor
/// is a tile as large as the tensor seen as one matrix.
struct Fp8Grid {
  std::uint64_t rows = 1;
  std::uint64_t columns = 1;
  std::uint64_t tile_rows = fp8_tile;
  std::uint64_t tile_columns = fp8_tile;
};

/// Scales in one row of tiles.
[[nodiscard]] constexpr std::uint64_t fp8_scales_per_row(const Fp8Grid& grid) {
  return (grid.columns - 1) / grid.tile_columns + 1;
}

/// The row of tiles that holds the flat element, counted over all matrices. The elements from a to
/// b need the rows of scales from fp8_tile_row(a) to fp8_tile_row(b).
[[nodiscard]] constexpr std::uint64_t fp8_tile_row(const Fp8Grid& grid, std::uint64_t element) {
  const std::uint64_t row = element / grid.columns;
  const std::uint64_t tile_rows_of_matrix = (grid.rows - 1) / grid.tile_rows + 1;
  return row / grid.rows * tile_rows_of_matrix + row % grid.rows / grid.tile_rows;
}

/// Decodes `count` elements that follow each other in the tensor, from flat element `first` on, to
/// f32, f16 or bf16: fl(code * scale) in fp32, then one rounding.
///
/// `codes`: the first element's code. `scales`: those of the row of tiles that holds `first` and of
/// all later ones that are needed, dense, fp8_scales_per_row(grid) a row, of dtype f32, bf16, f16
/// or f8_e8m0. `destination`: `count` elements, aligned to their size. NaN decodes to the positive
/// quiet NaN without payload. No allocation; safe from any thread.
void fp8_block_dequantize(const std::byte* codes, std::uint64_t first, std::size_t count,
                          const Fp8Grid& grid, Dtype scale_dtype, const std::byte* scales, Dtype to,
                          std::byte* destination);
void fp8_block_dequantize_scalar(const std::byte* codes, std::uint64_t first, std::size_t count,
                                 const Fp8Grid& grid, Dtype scale_dtype, const std::byte* scales,
                                 Dtype to, std::byte* destination);

}  // namespace plimsoll::codecs
