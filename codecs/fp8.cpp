#include "codecs/fp8.hpp"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/fp8.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/elements-inl.hpp"
#include "codecs/fp8_recipe.hpp"

// How it works. Elements are coded in fp32, those at even places in one vector and those at odd
// places in another, whose codes then make 16-bit lanes in the elements' order. Rounding is left to
// an addition: see e4m3_from_magnitude. Signs come from the source. Without instructions for F16
// Highway takes its infinity and NaN for numbers: there F16 is left to the scalar code.

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

/// Magnitudes of quotients to codes, 1128 too large. `anything` may be NaN or more than 448.
template <bool anything>
HWY_INLINE WordVector codes_of(WordVector bits) {
  const Words d;
  const Floats df;
  [[maybe_unused]] const WordVector quotients = bits;
  if constexpr (anything) bits = hn::Min(bits, hn::Set(d, 0x43E00000u));  // 448, also NaN
  const auto octave = hn::And(bits, hn::Set(d, f32_infinity));
  const auto base = hn::Add(hn::Max(octave, hn::Set(d, 121u << 23)), hn::Set(d, 20u << 23));
  const auto sum = hn::Add(hn::BitCast(df, bits), hn::BitCast(df, base));
  auto codes = hn::Add(hn::Sub(hn::BitCast(d, sum), base), hn::ShiftRight<20>(base));
  if constexpr (anything) {
    // NaN's code follows that of 448.
    const hn::RebindToSigned<Words> di;
    const auto nan = hn::Gt(hn::BitCast(di, quotients), hn::Set(di, 0x7F800000));
    codes = hn::Sub(codes, hn::BitCast(d, hn::VecFromMask(di, nan)));
  }
  return codes;
}

template <bool divides, bool anything>
HWY_INLINE WordVector code(FloatVector elements, FloatVector operand) {
  const auto quotients = divides ? hn::Div(elements, operand) : hn::Mul(elements, operand);
  const Words d;
  return codes_of<anything>(hn::And(hn::BitCast(d, quotients), hn::Set(d, ~f32_sign)));
}

template <class Elements>
HWY_INLINE HalfVector signed_halves(const typename Elements::Element* from, const Pair& pair) {
  const Halves d;
  if constexpr (sizeof(typename Elements::Bits) == 2) {
    return hn::LoadU(d, reinterpret_cast<const std::uint16_t*>(from));
  } else {
    const Words words;
    const auto odd = hn::And(hn::BitCast(words, pair.odd), hn::Set(words, f32_sign));
    return hn::BitCast(d, hn::Or(hn::ShiftRight<16>(hn::BitCast(words, pair.even)), odd));
  }
}

template <class Elements, bool divides, bool anything>
HWY_INLINE void code_pair(const typename Elements::Element* from, FloatVector operand,
                          std::uint8_t* to) {
  const Halves d;
  const Pair pair = Elements::load(from);
  const auto even = code<divides, anything>(pair.even, operand);
  const auto odd = code<divides, anything>(pair.odd, operand);
  const auto magnitudes = hn::Sub(hn::BitCast(d, hn::Add(even, hn::ShiftLeft<16>(odd))),
                                  hn::Set(d, std::uint16_t{141u << 3}));
  const auto signs =
      hn::And(hn::ShiftRight<8>(signed_halves<Elements>(from, pair)), hn::Set(d, 0x80));
  const auto codes = hn::BitCast(hn::RebindToSigned<Halves>(), hn::Or(magnitudes, signs));
  const hn::Rebind<std::uint8_t, Halves> bytes;
  hn::StoreU(hn::DemoteTo(bytes, codes), bytes, to);
}

template <class Elements, bool divides, bool anything>
HWY_INLINE void code_row(const typename Elements::Element* from, std::size_t count, float operand,
                         std::uint8_t* to) {
  const auto operands = hn::Set(Floats(), operand);
  std::size_t i = 0;
  for (; i + step <= count; i += step) {
    code_pair<Elements, divides, anything>(from + i, operands, to + i);
  }
  for (; i < count; ++i) to[i] = fp8_code(widen<Elements>(from[i]), operand, divides);
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

template <class Elements, bool divides, bool anything>
HWY_INLINE void code_tile(const Tile<Elements>& tile, const Fp8Tiles& tiles, float operand) {
  for (std::size_t row = 0; row < tile.rows; ++row) {
    code_row<Elements, divides, anything>(tile.source + row * tiles.source_stride, tile.columns,
                                          operand, tile.codes + row * tiles.code_stride);
  }
}

/// Whether no quotient can be NaN or exceed 448 by more than rounding takes back.
bool ordinary(float amax) {
  return amax == 0.0f || (amax >= 0x1p-100f && amax <= 0x1p126f);
}

template <class Elements>
HWY_INLINE Fp8TileScale quantize_tile(const Tile<Elements>& tile, const Fp8Tiles& tiles,
                                      const Format& format) {
  Largest<Elements> largest;
  for (std::size_t row = 0; row < tile.rows; ++row) {
    largest.see(
        reinterpret_cast<const typename Elements::Bits*>(tile.source) + row * tiles.source_stride,
        tile.columns);
  }
  const float amax = as_float<Elements>(largest.bits());
  const Fp8TileScale scale = fp8_tile_scale(amax, format.recipe, format.scale);
  if (!ordinary(amax)) {
    scale.divides ? code_tile<Elements, true, true>(tile, tiles, scale.operand)
                  : code_tile<Elements, false, true>(tile, tiles, scale.operand);
  } else if (scale.divides) {
    code_tile<Elements, true, false>(tile, tiles, scale.operand);
  } else {
    code_tile<Elements, false, false>(tile, tiles, scale.operand);
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

template <class Elements>
void code_all(const std::byte* source, std::size_t count, float operand, std::byte* codes) {
  code_row<Elements, false, true>(reinterpret_cast<const typename Elements::Element*>(source),
                                  count, operand, reinterpret_cast<std::uint8_t*>(codes));
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
