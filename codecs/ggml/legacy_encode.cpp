#include "codecs/ggml/legacy_encode.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/cast.hpp"
#include "codecs/ggml/legacy_blocks.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/legacy_encode.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_block_lanes-inl.hpp"

// Blocks without importance: as many as there are lanes are measured together, so that divisions
// and the like are made for all of them at once, and are coded one by one.
//
// Blocks that are not finite, or so small or large that quotients are not either, are left to the
// scalar code. Where the first of equal magnitudes counts, which lanes do not know, it is looked
// for.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_legacy_scalar(type, rows, blocks);
}

#else

constexpr std::size_t block_vectors = legacy_elements / lanes;

/// What was measured, a block in every lane.
struct Extremes {
  FloatVector lowest;
  FloatVector highest;
  FloatVector magnitude;  ///< NaN or infinity if an element is
};

/// Of two magnitudes. They compare as integers: NaN and infinity are above all numbers.
HWY_INLINE FloatVector larger_magnitude(FloatVector a, FloatVector b) {
  const Ints d;
  return hn::BitCast(Floats(), hn::Max(hn::BitCast(d, a), hn::BitCast(d, b)));
}

/// Combines the `lanes` numbers of each of `lanes` vectors: the result of one a lane.
template <class Combine>
HWY_INLINE FloatVector across(const float* vectors, const Combine& combine) {
  alignas(64) float columns[lanes * lanes];
  transpose(vectors, lanes, lanes, columns);
  auto so_far = load(columns);
  for (std::size_t i = lanes; i < lanes * lanes; i += lanes) {
    so_far = combine(so_far, load(columns + i));
  }
  return so_far;
}

HWY_INLINE FloatVector lesser(FloatVector a, FloatVector b) {
  return hn::Min(a, b);
}
HWY_INLINE FloatVector greater(FloatVector a, FloatVector b) {
  return hn::Max(a, b);
}

/// The extremes of `lanes` blocks, one after the other.
HWY_INLINE Extremes extremes_of(const float* elements) {
  alignas(64) float lowest[lanes * lanes];
  alignas(64) float highest[lanes * lanes];
  alignas(64) float magnitude[lanes * lanes];
  for (std::size_t block = 0; block < lanes; ++block) {
    const float* its = elements + block * legacy_elements;
    const auto first = load(its);
    Extremes so_far{first, first, hn::Abs(first)};
    for (std::size_t v = 1; v < block_vectors; ++v) {
      const auto x = load(its + v * lanes);
      so_far = {lesser(so_far.lowest, x), greater(so_far.highest, x),
                larger_magnitude(so_far.magnitude, hn::Abs(x))};
    }
    store(so_far.lowest, lowest + block * lanes);
    store(so_far.highest, highest + block * lanes);
    store(so_far.magnitude, magnitude + block * lanes);
  }
  return {across(lowest, lesser), across(highest, greater), across(magnitude, larger_magnitude)};
}

/// How `lanes` blocks are coded.
struct Coding {
  alignas(64) float origin[lanes];
  alignas(64) float inverse[lanes];
  alignas(64) float wild[lanes];  ///< not 0 in blocks that only the scalar code knows
  std::uint16_t d[lanes];
  std::uint16_t minimum[lanes];
};

HWY_INLINE FloatMask ordinary(FloatVector v) {
  return hn::And(hn::Gt(v, all(0x1p-100f)), hn::Lt(v, all(0x1p100f)));
}

/// f16 of numbers that are finite.
HWY_INLINE void store_halves(FloatVector v, std::uint16_t* to) {
#if HWY_TARGET <= HWY_AVX2
  const hn::Rebind<hwy::float16_t, Floats> d;
  hn::StoreU(hn::BitCast(hn::Rebind<std::uint16_t, Floats>(), hn::DemoteTo(d, v)),
             hn::Rebind<std::uint16_t, Floats>(), to);
#else
  alignas(64) float numbers[lanes];
  store(v, numbers);
  for (std::size_t i = 0; i < lanes; ++i) to[i] = f16_scale(numbers[i]);
#endif
}

HWY_INLINE FloatVector inverse_of(FloatVector d) {
  return hn::IfThenZeroElse(hn::Eq(d, hn::Zero(Floats())), hn::Div(all(1.0f), d));
}

HWY_INLINE void mark_wild(FloatMask tame, Coding& coding) {
  store(hn::IfThenElse(tame, hn::Zero(Floats()), all(1.0f)), coding.wild);
}

/// In the lanes of the mask, puts the first element of the block for which `is_it` in place of the
/// number that stands there.
template <class IsIt>
HWY_INLINE FloatVector first_instead(FloatMask mask, FloatVector v, const float* elements,
                                     const IsIt& is_it) {
  if (hn::AllFalse(Floats(), mask)) return v;
  alignas(64) float numbers[lanes];
  alignas(64) float wanted[lanes];
  store(v, numbers);
  store(hn::IfThenElseZero(mask, all(1.0f)), wanted);
  for (std::size_t block = 0; block < lanes; ++block) {
    if (wanted[block] == 0) continue;
    const float* its = elements + block * legacy_elements;
    const float number = numbers[block];
    const float* found =
        std::find_if(its, its + legacy_elements, [&](float x) { return is_it(x, number); });
    if (found != its + legacy_elements) numbers[block] = *found;
  }
  return load(numbers);
}

HWY_INLINE void measure_symmetric(const float* elements, float half, Coding& coding) {
  const auto zero = hn::Zero(Floats());
  const Extremes extremes = extremes_of(elements);
  const auto magnitude = extremes.magnitude;
  const auto is_highest = hn::Eq(extremes.highest, magnitude);
  const auto is_lowest = hn::Eq(hn::Neg(extremes.lowest), magnitude);
  const auto zeros = hn::Eq(magnitude, zero);
  auto peak = hn::IfThenElse(is_highest, magnitude, hn::Neg(magnitude));
  const auto either = hn::And(hn::And(is_highest, is_lowest), hn::Not(zeros));
  peak = first_instead(either, peak, elements,
                       [](float x, float number) { return std::abs(x) == std::abs(number); });
  const auto d = hn::Div(hn::IfThenZeroElse(zeros, peak), all(-half));
  store(inverse_of(d), coding.inverse);
  store_halves(d, coding.d);
  mark_wild(hn::Or(zeros, ordinary(magnitude)), coding);
}

HWY_INLINE void measure_affine(const float* elements, float largest, Coding& coding) {
  const auto zero = hn::Zero(Floats());
  const Extremes extremes = extremes_of(elements);
  // Which of its two zeros the minimum is gets stored.
  const auto lowest = first_instead(hn::Eq(extremes.lowest, zero), extremes.lowest, elements,
                                    [](float x, float number) { return x == number; });
  const auto range = hn::Add(hn::Sub(extremes.highest, lowest), zero);  // never -0
  const auto d = hn::Div(range, all(largest));
  store(lowest, coding.origin);
  store(inverse_of(d), coding.inverse);
  store_halves(d, coding.d);
  store_halves(lowest, coding.minimum);
  const auto moderate = hn::Lt(extremes.magnitude, all(0x1p100f));
  mark_wild(hn::And(moderate, hn::Or(hn::Eq(range, zero), ordinary(range))), coding);
}

HWY_INLINE void measure_magnitude(const float* elements, Coding& coding) {
  alignas(64) float largest[lanes * lanes];
  for (std::size_t block = 0; block < lanes; ++block) {
    const float* its = elements + block * legacy_elements;
    auto magnitude = hn::Abs(load(its));
    for (std::size_t v = 1; v < block_vectors; ++v) {
      magnitude = larger_magnitude(magnitude, hn::Abs(load(its + v * lanes)));
    }
    store(magnitude, largest + block * lanes);
  }
  const auto magnitude = across(largest, larger_magnitude);
  const auto d = hn::Div(magnitude, all(127.0f));
  store(inverse_of(d), coding.inverse);
  store_halves(d, coding.d);
  mark_wild(hn::Or(hn::Eq(magnitude, hn::Zero(Floats())), ordinary(magnitude)), coding);
}

/// The integer part in the low byte of every lane, of magnitudes below 2^22; other bits are set
/// too.
HWY_INLINE IntVector truncated(FloatVector v) {
  return hn::BitCast(Ints(), hn::Add(hn::Trunc(v), all(integer_maker)));
}

HWY_INLINE void store_low_bytes(IntVector v, std::uint8_t* to) {
  const auto bytes = hn::BitCast(Words(), hn::And(v, hn::Set(Ints(), 255)));
  hn::StoreU(hn::U8FromU32(bytes), hn::Rebind<std::uint8_t, Words>(), to);
}

HWY_INLINE void store_bits(std::uint16_t bits, std::uint8_t (&to)[2]) {
  to[0] = static_cast<std::uint8_t>(bits);
  to[1] = static_cast<std::uint8_t>(bits >> 8);
}

/// A bit for every lane of the mask, the first one lowest.
HWY_INLINE std::uint32_t bits_of_mask(FloatMask mask) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(Floats(), mask, bytes);
  return static_cast<std::uint32_t>(bytes[0] | bytes[1] << 8);
}

/// Codes a block of Q4_0 to Q5_1. A code is what remains, without its fraction, of the element
/// above the origin, scaled and moved by `offset`.
template <class Block>
HWY_INLINE void code_block(const float* elements, FloatVector origin, FloatVector inverse,
                           float offset, Block& block) {
  constexpr float largest = (1 << Block::bits) - 0.5f;
  FloatVector scaled[block_vectors];
  for (std::size_t v = 0; v < block_vectors; ++v) {
    auto x = load(elements + v * lanes);
    if constexpr (Block::has_minimum) x = hn::Sub(x, origin);
    scaled[v] = hn::Min(hn::Add(hn::Mul(x, inverse), all(offset)), all(largest));
  }
  if constexpr (Block::bits == 5) {
    std::uint32_t high = 0;
    for (std::size_t v = 0; v < block_vectors; ++v) {
      high |= bits_of_mask(hn::Ge(scaled[v], all(16.0f))) << (v * lanes);
    }
    for (std::size_t i = 0; i < 4; ++i) block.high[i] = static_cast<std::uint8_t>(high >> 8 * i);
  }
  for (std::size_t v = 0; v < block_vectors / 2; ++v) {
    auto low = truncated(scaled[v]);
    if constexpr (Block::bits == 5) low = hn::And(low, hn::Set(Ints(), 15));
    const auto high = hn::ShiftLeft<4>(truncated(scaled[v + block_vectors / 2]));
    store_low_bytes(hn::Or(low, high), block.codes + v * lanes);
  }
}

/// `lanes` blocks, of which the first `count` are wanted.
template <class Block>
HWY_INLINE void encode_some(Type type, const float* elements, std::size_t count, Block* blocks) {
  constexpr int half = 1 << (Block::bits - 1);
  Coding coding;
  if constexpr (Block::has_minimum) {
    measure_affine(elements, 2 * half - 1, coding);
  } else {
    measure_symmetric(elements, half, coding);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const float* its = elements + i * legacy_elements;
    if (coding.wild[i] != 0) {
      encode_legacy_block_scalar(type, its, nullptr, 0, reinterpret_cast<std::byte*>(blocks + i));
      continue;
    }
    store_bits(coding.d[i], blocks[i].d);
    if constexpr (Block::has_minimum) {
      store_bits(coding.minimum[i], blocks[i].minimum);
      code_block(its, all(coding.origin[i]), all(coding.inverse[i]), 0.5f, blocks[i]);
    } else {
      code_block(its, all(0.0f), all(coding.inverse[i]), half + 0.5f, blocks[i]);
    }
  }
}

HWY_INLINE void encode_some(Type type, const float* elements, std::size_t count,
                            Q8_0Block* blocks) {
  Coding coding;
  measure_magnitude(elements, coding);
  for (std::size_t i = 0; i < count; ++i) {
    const float* its = elements + i * legacy_elements;
    if (coding.wild[i] != 0) {
      encode_legacy_block_scalar(type, its, nullptr, 0, reinterpret_cast<std::byte*>(blocks + i));
      continue;
    }
    store_bits(coding.d[i], blocks[i].d);
    for (std::size_t v = 0; v < block_vectors; ++v) {
      // Half way goes away from zero: adding a little less than a half carries from there on, and
      // from no number below.
      const auto scaled = hn::Mul(load(its + v * lanes), all(coding.inverse[i]));
      const auto half = hn::CopySign(all(0x1.fffffep-2f), scaled);
      store_low_bytes(truncated(hn::Add(scaled, half)), blocks[i].codes + v * lanes);
    }
  }
}

template <class Block>
void encode_blocks(Type type, const Rows& rows, std::byte* bytes) {
  constexpr std::size_t chunk = 2048;  // elements
  constexpr std::size_t step = lanes * legacy_elements;
  auto* blocks = reinterpret_cast<Block*>(bytes);
  const std::size_t total = rows.count * rows.columns;
  const std::size_t width = bits_of(rows.dtype) / 8;
  alignas(64) float widened[chunk];
  for (std::size_t first = 0; first < total; first += chunk) {
    const std::size_t here = std::min(chunk, total - first);
    const std::byte* source = rows.source + first * width;
    const auto* elements = reinterpret_cast<const float*>(source);
    if (rows.dtype != Dtype::f32 || here < chunk) {
      cast(rows.dtype, source, Dtype::f32, reinterpret_cast<std::byte*>(widened), here);
      std::fill(widened + here, widened + chunk, 0.0f);
      elements = widened;
    }
    for (std::size_t i = 0; i < here; i += step) {
      const std::size_t wanted = std::min(step, here - i) / legacy_elements;
      encode_some(type, elements + i, wanted, blocks + (first + i) / legacy_elements);
    }
  }
}

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  switch (type) {
    case Type::q4_0:
      return encode_blocks<Q4_0Block>(type, rows, blocks);
    case Type::q4_1:
      return encode_blocks<Q4_1Block>(type, rows, blocks);
    case Type::q5_0:
      return encode_blocks<Q5_0Block>(type, rows, blocks);
    case Type::q5_1:
      return encode_blocks<Q5_1Block>(type, rows, blocks);
    default:
      return encode_blocks<Q8_0Block>(type, rows, blocks);
  }
}

#endif
}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void encode_legacy_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_rows(type, rows, blocks);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_legacy_rows);

void encode_legacy(Type type, const Rows& rows, std::byte* blocks) noexcept {
  if (rows.importance != nullptr && traits_of(type).importance == Importance::used) {
    encode_legacy_weighted(type, rows, blocks);
  } else {
    HWY_DYNAMIC_DISPATCH(encode_legacy_rows)(type, rows, blocks);
  }
}

}  // namespace plimsoll::codecs::ggml
#endif
