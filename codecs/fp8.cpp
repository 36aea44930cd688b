#include "codecs/fp8.hpp"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/fp8.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/elements-inl.hpp"
#include "codecs/fp8_recipe.hpp"

// How it works. Elements are scaled in fp32, those at even places in one vector and those at odd
// places in another, whose codes then make 16-bit lanes in the elements' order. Rounding is left to
// an addition: see e4m3_from_magnitude, of which this is the same with signs. Where NaN, infinity
// or clamping may come of it, the scalar code does it. So it does with F16 where there are no
// instructions for it, for there Highway takes its infinity and NaN for numbers.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void block_quantize(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                    const Format& format, std::byte* codes, std::byte* scales) {
  fp8_block_quantize_scalar(dtype, source, tiles, format, codes, scales);
}
float absmax(Dtype dtype, const std::byte* source, std::size_t count) {
  return fp8_absmax_scalar(dtype, source, count);
}
void tensor_quantize(Dtype dtype, const std::byte* source, std::size_t count, float scale,
                     std::byte* codes) {
  fp8_tensor_quantize_scalar(dtype, source, count, scale, codes);
}

#else

using Halves = hn::Repartition<std::uint16_t, Words>;
using HalfVector = hn::Vec<Halves>;

constexpr std::size_t step = 2 * lanes;  // elements of a pair

template <class Elements>
float widen(typename Elements::Element element) {
  alignas(16) typename Elements::Bits bits[4] = {};
  std::memcpy(bits, &element, sizeof element);
  return hn::GetLane(Elements::widen(bits));
}

// ---- maxima: magnitudes compare as integers, NaN above infinity above all numbers ----

template <class Elements>
class Largest {
 public:
  using Bits = typename Elements::Bits;

  HWY_INLINE Largest() : even_(hn::Zero(D())), odd_(hn::Zero(D())) {}

  HWY_INLINE void see(const Bits* from, std::size_t count) {
    constexpr std::size_t width = hn::MaxLanes(D());
    std::size_t i = 0;
    for (; i + 2 * width <= count; i += 2 * width) {
      even_ = hn::Max(even_, magnitude(from + i));
      odd_ = hn::Max(odd_, magnitude(from + i + width));
    }
    for (; i < count; ++i) rest_ = std::max<Bits>(rest_, from[i] & unsigned_bits);
  }
  [[nodiscard]] HWY_INLINE Bits bits() const {
    constexpr std::size_t width = hn::MaxLanes(D());
    alignas(64) Bits all[width];
    hn::Store(hn::Max(even_, odd_), D(), all);
    return std::max(rest_, *std::max_element(all, all + width));
  }

 private:
  using D = hn::ScalableTag<Bits>;
  static constexpr Bits unsigned_bits = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);

  static HWY_INLINE hn::Vec<D> magnitude(const Bits* from) {
    return hn::And(hn::LoadU(D(), from), hn::Set(D(), unsigned_bits));
  }

  hn::Vec<D> even_;
  hn::Vec<D> odd_;
  Bits rest_ = 0;
};

/// A magnitude given as bits.
template <class Elements>
float as_float(typename Elements::Bits bits) {
  if constexpr (sizeof bits == 4) {
    return std::bit_cast<float>(bits);
  } else {
    return std::is_same_v<Elements, F16Elements> ? f32_from_f16(bits) : f32_from_bf16(bits);
  }
}

// ---- codes ----

/// Codes, in 16-bit lanes, of elements that are no NaN and at most 464 when scaled.
template <class Elements, bool divides>
HWY_INLINE HalfVector code_pair(const typename Elements::Element* from, FloatVector operand) {
  const Halves d;
  const Words dw;
  const Floats df;
  const Pair pair = Elements::load(from);
  const auto even = divides ? hn::Div(pair.even, operand) : hn::Mul(pair.even, operand);
  const auto odd = divides ? hn::Div(pair.odd, operand) : hn::Mul(pair.odd, operand);
  // Signs and octaves are in the upper halves: those of the even and the odd in one vector.
  const auto upper =
      hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<16>(hn::BitCast(dw, even))));
  const auto signs = hn::And(upper, hn::Set(d, 0x8000));
  const auto octaves = hn::SaturatedSub(hn::And(upper, hn::Set(d, 0x7F80)), hn::Set(d, 121 << 7));
  // The sum's low bits count the distances between codes.
  const auto bases = hn::BitCast(dw, hn::Or(hn::Add(octaves, hn::Set(d, 141 << 7)), signs));
  const auto even_sum = hn::Add(even, hn::BitCast(df, hn::ShiftLeft<16>(bases)));
  const auto odd_sum = hn::Add(odd, hn::BitCast(df, hn::And(bases, hn::Set(dw, 0xFFFF0000u))));
  const auto counts = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<16>(hn::BitCast(dw, odd_sum))),
                                  hn::BitCast(d, even_sum));
  return hn::Or(hn::Add(counts, hn::ShiftRight<4>(octaves)), hn::ShiftRight<8>(signs));
}

/// Narrows the codes of two pairs.
HWY_INLINE void store_codes(HalfVector first, HalfVector second, std::uint8_t* to) {
#if HWY_TARGET <= HWY_AVX3
  // Packing works in quarters of a vector: bring those of each pair together again.
  const __m512i bytes = _mm512_packus_epi16(first.raw, second.raw);
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi64(order, bytes));
#elif HWY_TARGET == HWY_AVX2
  const __m256i bytes = _mm256_packus_epi16(first.raw, second.raw);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute4x64_epi64(bytes, 0xD8));
#else
  const hn::RebindToSigned<Halves> d;
  const hn::Rebind<std::uint8_t, Halves> bytes;
  hn::StoreU(hn::DemoteTo(bytes, hn::BitCast(d, first)), bytes, to);
  hn::StoreU(hn::DemoteTo(bytes, hn::BitCast(d, second)), bytes, to + step);
#endif
}

template <class Elements>
void code_each(const typename Elements::Element* from, std::size_t count, float operand,
               bool divides, std::uint8_t* to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = fp8_code(widen<Elements>(from[i]), operand, divides);
  }
}

/// Elements that the vector code does in one go.
constexpr std::size_t batch = 2 * step;

/// `count` is a multiple of `batch`.
template <class Elements, bool divides>
HWY_INLINE void code_batches(const typename Elements::Element* from, std::size_t count,
                             FloatVector operand, std::uint8_t* to) {
  for (std::size_t i = 0; i < count; i += batch) {
    store_codes(code_pair<Elements, divides>(from + i, operand),
                code_pair<Elements, divides>(from + i + step, operand), to + i);
  }
}

// ---- tiles ----

/// Rows of a tile, as they lie in the matrix.
template <class Elements>
struct Tile {
  const typename Elements::Element* source;
  std::uint8_t* codes;
  std::size_t rows;
  std::size_t columns;
};

/// Whether nothing in the tile can become NaN or exceed 448 by more than rounding takes back.
bool ordinary(float amax) {
  return amax == 0.0f || (amax >= 0x1p-100f && amax <= 0x1p126f);
}

template <class Elements, bool divides>
HWY_INLINE void code_tile_batches(const Tile<Elements>& tile, const Fp8Tiles& tiles,
                                  std::size_t columns, float operand) {
  const auto operands = hn::Set(Floats(), operand);
  for (std::size_t row = 0; row < tile.rows; ++row) {
    code_batches<Elements, divides>(tile.source + row * tiles.source_stride, columns, operands,
                                    tile.codes + row * tiles.code_stride);
  }
}

template <class Elements>
HWY_INLINE Fp8TileScale quantize_tile(const Tile<Elements>& tile, const Fp8Tiles& tiles,
                                      const Format& format) {
  Largest<Elements> largest;
  const auto* bits = reinterpret_cast<const typename Elements::Bits*>(tile.source);
  for (std::size_t row = 0; row < tile.rows; ++row) {
    largest.see(bits + row * tiles.source_stride, tile.columns);
  }
  const float amax = as_float<Elements>(largest.bits());
  const Fp8TileScale scale = fp8_tile_scale(amax, format.recipe, format.scale);
  const std::size_t batched = ordinary(amax) ? tile.columns / batch * batch : 0;
  if (scale.divides) {
    code_tile_batches<Elements, true>(tile, tiles, batched, scale.operand);
  } else {
    code_tile_batches<Elements, false>(tile, tiles, batched, scale.operand);
  }
  if (batched == tile.columns) return scale;
  for (std::size_t row = 0; row < tile.rows; ++row) {
    code_each<Elements>(tile.source + row * tiles.source_stride + batched, tile.columns - batched,
                        scale.operand, scale.divides,
                        tile.codes + row * tiles.code_stride + batched);
  }
  return scale;
}

template <class Elements>
void quantize_tiles(const std::byte* source, const Fp8Tiles& tiles, const Format& format,
                    std::byte* codes, std::byte* scales) {
  const auto* elements = reinterpret_cast<const typename Elements::Element*>(source);
  auto* bytes = reinterpret_cast<std::uint8_t*>(codes);
  for (std::size_t row = 0; row < tiles.rows; row += tiles.tile_rows) {
    for (std::size_t column = 0; column < tiles.columns; column += tiles.tile_columns) {
      const Tile<Elements> tile = {elements + row * tiles.source_stride + column,
                                   bytes + row * tiles.code_stride + column,
                                   std::min(tiles.tile_rows, tiles.rows - row),
                                   std::min(tiles.tile_columns, tiles.columns - column)};
      fp8_store_scale(quantize_tile<Elements>(tile, tiles, format), format.scale, scales,
                      row / tiles.tile_rows * tiles.scale_stride + column / tiles.tile_columns);
    }
  }
}

template <class Elements>
float absmax_of(Dtype dtype, const std::byte* source, std::size_t count) {
  Largest<Elements> largest;
  largest.see(reinterpret_cast<const typename Elements::Bits*>(source), count);
  const float absmax = as_float<Elements>(largest.bits());
  return absmax == absmax ? absmax : fp8_absmax_scalar(dtype, source, count);
}

/// Part by part, that the scalar code gets no more than the parts that need it.
template <class Elements>
void code_all(const std::byte* source, std::size_t count, float operand, std::byte* codes) {
  constexpr std::size_t part = 1024;
  const auto* from = reinterpret_cast<const typename Elements::Element*>(source);
  auto* to = reinterpret_cast<std::uint8_t*>(codes);
  const auto operands = hn::Set(Floats(), operand);
  for (std::size_t i = 0; i < count; i += part) {
    const std::size_t length = std::min(part, count - i);
    Largest<Elements> largest;
    largest.see(reinterpret_cast<const typename Elements::Bits*>(from + i), length);
    const float amax = as_float<Elements>(largest.bits());
    const bool ordinary = amax * operand <= e4m3_max * 1.01f;  // not for NaN, of 0 * infinity too
    const std::size_t batched = ordinary ? length / batch * batch : 0;
    code_batches<Elements, false>(from + i, batched, operands, to + i);
    code_each<Elements>(from + i + batched, length - batched, operand, false, to + i + batched);
  }
}

void block_quantize(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                    const Format& format, std::byte* codes, std::byte* scales) {
  if (dtype == Dtype::f32) return quantize_tiles<F32Elements>(source, tiles, format, codes, scales);
  if (dtype == Dtype::bf16) {
    return quantize_tiles<Bf16Elements>(source, tiles, format, codes, scales);
  }
#if HWY_TARGET <= HWY_AVX2
  quantize_tiles<F16Elements>(source, tiles, format, codes, scales);
#else
  fp8_block_quantize_scalar(dtype, source, tiles, format, codes, scales);
#endif
}

float absmax(Dtype dtype, const std::byte* source, std::size_t count) {
  if (dtype == Dtype::f32) return absmax_of<F32Elements>(dtype, source, count);
  if (dtype == Dtype::bf16) return absmax_of<Bf16Elements>(dtype, source, count);
  return absmax_of<F16Elements>(dtype, source, count);
}

void tensor_quantize(Dtype dtype, const std::byte* source, std::size_t count, float scale,
                     std::byte* codes) {
  const float factor = 1.0f / scale;
  if (dtype == Dtype::f32) return code_all<F32Elements>(source, count, factor, codes);
  if (dtype == Dtype::bf16) return code_all<Bf16Elements>(source, count, factor, codes);
#if HWY_TARGET <= HWY_AVX2
  code_all<F16Elements>(source, count, factor, codes);
#else
  fp8_tensor_quantize_scalar(dtype, source, count, scale, codes);
#endif
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch tables take their addresses from elsewhere.
void fp8_tiles_to_codes(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                        const Format& format, std::byte* codes, std::byte* scales) {
  block_quantize(dtype, source, tiles, format, codes, scales);
}
float fp8_largest(Dtype dtype, const std::byte* source, std::size_t count) {
  return absmax(dtype, source, count);
}
void fp8_elements_to_codes(Dtype dtype, const std::byte* source, std::size_t count, float scale,
                           std::byte* codes) {
  tensor_quantize(dtype, source, count, scale, codes);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs {

HWY_EXPORT(fp8_tiles_to_codes);
HWY_EXPORT(fp8_largest);
HWY_EXPORT(fp8_elements_to_codes);

void fp8_block_quantize(Dtype dtype, const std::byte* source, const Fp8Tiles& tiles,
                        const Format& format, std::byte* codes, std::byte* scales) {
  HWY_DYNAMIC_DISPATCH(fp8_tiles_to_codes)(dtype, source, tiles, format, codes, scales);
}

float fp8_absmax(Dtype dtype, const std::byte* source, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(fp8_largest)(dtype, source, count);
}

void fp8_tensor_quantize(Dtype dtype, const std::byte* source, std::size_t count, float scale,
                         std::byte* codes) {
  HWY_DYNAMIC_DISPATCH(fp8_elements_to_codes)(dtype, source, count, scale, codes);
}

}  // namespace plimsoll::codecs
#endif
