#include <algorithm>
#include <cmath>
#include <cstring>

#include "codecs/float_bits.hpp"
#include "codecs/fp8.hpp"
#include "codecs/fp8_recipe.hpp"
#include "codecs/fp8_runs.hpp"
#include "codecs/scalar_source.hpp"

namespace plimsoll::codecs {
namespace {

/// Calls `function` with the Source of the dtype.
template <class Function>
auto with_source(Dtype dtype, Function function) {
  if (dtype == Dtype::f32) return function(F32Source());
  return dtype == Dtype::f16 ? function(F16Source()) : function(Bf16Source());
}

/// NaN once it has seen one, like torch's amax.
float larger(float so_far, float element) {
  const float magnitude = std::abs(element);
  return magnitude > so_far || magnitude != magnitude ? magnitude : so_far;
}

/// A tile, or what is left of one at an edge.
struct Tile {
  std::size_t rows;
  std::size_t columns;
  std::size_t source_stride;
  std::size_t code_stride;
};

template <class Source>
Fp8TileScale quantize_tile(const std::byte* source, const Tile& tile, const Format& format,
                           std::byte* codes) {
  float amax = 0.0f;
  for (std::size_t row = 0; row < tile.rows; ++row) {
    for (std::size_t column = 0; column < tile.columns; ++column) {
      amax = larger(amax, load<Source>(source, row * tile.source_stride + column));
    }
  }
  const Fp8TileScale scale = fp8_tile_scale(amax, format.recipe, format.scale);
  for (std::size_t row = 0; row < tile.rows; ++row) {
    for (std::size_t column = 0; column < tile.columns; ++column) {
      const float element = load<Source>(source, row * tile.source_stride + column);
      codes[row * tile.code_stride + column] =
          static_cast<std::byte>(fp8_code(element, scale.operand, scale.divides));
    }
  }
  return scale;
}

template <class Source>
void quantize_tiles(const std::byte* source, const Fp8Tiles& tiles, const Format& format,
                    std::byte* codes, std::byte* scales) {
  for (std::size_t row = 0; row < tiles.rows; row += tiles.tile_rows) {
    for (std::size_t column = 0; column < tiles.columns; column += tiles.tile_columns) {
      const Tile tile = {std::min(tiles.tile_rows, tiles.rows - row),
                         std::min(tiles.tile_columns, tiles.columns - column), tiles.source_stride,
                         tiles.code_stride};
      const std::size_t corner = row * tiles.source_stride + column;
      const Fp8TileScale scale =
          quantize_tile<Source>(source + corner * sizeof(typename Source::Element), tile, format,
                                codes + row * tiles.code_stride + column);
      fp8_store_scale(scale, format.scale, scales,
                      row / tiles.tile_rows * tiles.scale_stride + column / tiles.tile_columns);
    }
  }
}

template <class Element, class Narrow>
void dequantize(const std::byte* codes, std::uint64_t first, std::size_t count, const Fp8Grid& grid,
                Dtype scale_dtype, const std::byte* scales, std::byte* destination, Narrow narrow) {
  for_each_fp8_run(first, count, grid, scale_dtype, scales,
                   [&](std::size_t offset, std::size_t length, float scale) {
                     for (std::size_t i = offset; i < offset + length; ++i) {
                       const Element element = narrow(fp8_decoded(codes[i], scale));
                       std::memcpy(destination + i * sizeof element, &element, sizeof element);
                     }
                   });
}

}  // namespace

void fp8_block_quantize_scalar(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                               const Format& format, std::byte* codes, std::byte* scales) {
  with_source(dtype, [&](auto from) {
    quantize_tiles<decltype(from)>(source, tiles, format, codes, scales);
  });
}

float fp8_absmax_scalar(Dtype dtype, const std::byte* source, std::size_t count) {
  return with_source(dtype, [&](auto from) {
    float absmax = 0.0f;
    for (std::size_t i = 0; i < count; ++i) {
      absmax = std::max(absmax, std::abs(load<decltype(from)>(source, i)));  // keeps it from NaN
    }
    return absmax;
  });
}

float fp8_tensor_scale(float absmax) {
  const float scale = absmax / e4m3_max;
  return std::isinf(1.0f / scale) ? 1.0f : scale;
}

void fp8_tensor_quantize_scalar(Dtype dtype, const std::byte* source, std::size_t count,
                                float scale, std::byte* codes) {
  const float factor = 1.0f / scale;
  with_source(dtype, [&](auto from) {
    for (std::size_t i = 0; i < count; ++i) {
      const float element = load<decltype(from)>(source, i);
      codes[i] = static_cast<std::byte>(fp8_code(element, factor, false));
    }
  });
}

void fp8_block_dequantize_scalar(const std::byte* codes, std::uint64_t first, std::size_t count,
                                 const Fp8Grid& grid, Dtype scale_dtype, const std::byte* scales,
                                 Dtype to, std::byte* destination) {
  switch (to) {
    case Dtype::f32:
      return dequantize<float>(codes, first, count, grid, scale_dtype, scales, destination,
                               [](float value) { return value; });
    case Dtype::f16:
      return dequantize<std::uint16_t>(codes, first, count, grid, scale_dtype, scales, destination,
                                       f16_from_f32);
    default:
      return dequantize<std::uint16_t>(codes, first, count, grid, scale_dtype, scales, destination,
                                       bf16_from_f32);
  }
}

}  // namespace plimsoll::codecs
