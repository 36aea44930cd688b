#include "codecs/nf4.hpp"

#include <algorithm>
#include <array>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/nf4.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/elements-inl.hpp"
#include "codecs/nf4_coder-inl.hpp"

// How it works. Blocks are taken eight at a time: their maxima are found together, so that one
// vector of eight reciprocals serves them all, and one group ahead, so that the wait for the
// reciprocals is hidden behind the coding of the group before. Elements are coded in fp32, those
// at even places in one vector and those at odd places in another: the two then make a byte in
// every 32-bit lane. A code is found by a look-up instead of a search: see nf4_buckets.hpp.
//
// In a block with an ordinary absmax both variants do the same but for their thresholds: nothing
// that is subnormal there reaches a threshold, and nothing overflows. The other blocks, among them
// those with NaN or infinity, are coded too, into nonsense, and then done again by the scalar code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void quantize_blocks(Dtype dtype, const std::byte* source, std::size_t blocks, Nf4Variant variant,
                     std::uint32_t blocksize, std::byte* packed, float* absmax) {
  nf4_quantize_scalar(dtype, source, blocks * blocksize, variant, blocksize, packed, absmax);
}

#else

using FourInts = hn::FixedTag<std::int32_t, 4>;

constexpr std::size_t group_blocks = 8;

struct Group {
  alignas(16) std::array<float, group_blocks> absmax;
  alignas(16) std::array<float, group_blocks> reciprocal;
  bool ordinary;  // every block of the group
};

/// Whether a block's absmax is in [2^-100, 2^126], lane by lane; neither NaN nor infinity is.
hn::Mask<FourInts> ordinary_lanes(FourInts d, hn::Vec<FourInts> bits) {
  return hn::And(hn::Gt(bits, hn::Set(d, (27 << 23) - 1)),
                 hn::Lt(bits, hn::Set(d, (253 << 23) + 1)));
}

bool ordinary(float absmax) {
  const auto bits = std::bit_cast<std::uint32_t>(absmax);
  return bits >= 27u << 23 && bits <= 253u << 23;
}

/// The byte a block of zeros is made of.
std::byte zero_codes(Nf4Variant variant) {
  return variant == Nf4Variant::cuda ? std::byte{0x00} : std::byte{0x77};
}

// ---- maxima: magnitudes compare as integers, NaN and infinity above all numbers ----

/// The maxima, lane by lane, of a vector's parts of 128 bits.
template <class D>
HWY_INLINE auto max_of_parts([[maybe_unused]] D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) == 16) {
    return v;
  } else {
    const hn::Half<D> half;
    return max_of_parts(half, hn::Max(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

template <class V>
HWY_INLINE V interleaved_max(V a, V b) {
  const hn::DFromV<V> d;
  return hn::Max(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
}

/// The largest magnitude of every block, as bits. A group of fewer than eight repeats its last one.
template <class Elements>
HWY_INLINE void magnitudes_of(const typename Elements::Element* source, std::size_t blocks,
                              std::size_t blocksize, typename Elements::Bits* magnitudes) {
  using Bits = typename Elements::Bits;
  const hn::ScalableTag<Bits> d;
  constexpr std::size_t step = hn::MaxLanes(d);
  const auto unsigned_bits = hn::Set(d, static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1));
  hn::Vec<decltype(d)> largest[group_blocks];
  for (std::size_t b = 0; b < group_blocks; ++b) {
    const std::size_t block = b < blocks ? b : blocks - 1;
    const Bits* from = reinterpret_cast<const Bits*>(source) + block * blocksize;
    auto max = hn::And(hn::LoadU(d, from), unsigned_bits);
    for (std::size_t i = step; i < blocksize; i += step) {
      max = hn::Max(max, hn::And(hn::LoadU(d, from + i), unsigned_bits));
    }
    largest[b] = max;
  }
  const auto& v = largest;
  if constexpr (sizeof(Bits) == 2) {
    const auto even = interleaved_max(interleaved_max(v[0], v[4]), interleaved_max(v[2], v[6]));
    const auto odd = interleaved_max(interleaved_max(v[1], v[5]), interleaved_max(v[3], v[7]));
    hn::StoreU(max_of_parts(d, interleaved_max(even, odd)), hn::FixedTag<Bits, 8>(), magnitudes);
  } else {
    for (std::size_t b = 0; b < group_blocks; b += 4) {
      const auto even = interleaved_max(v[b], v[b + 2]);
      const auto odd = interleaved_max(v[b + 1], v[b + 3]);
      hn::StoreU(max_of_parts(d, interleaved_max(even, odd)), hn::FixedTag<Bits, 4>(),
                 magnitudes + b);
    }
  }
}

template <class Elements>
HWY_INLINE void measure(const typename Elements::Element* source, std::size_t blocks,
                        std::size_t blocksize, Group& group) {
  alignas(16) typename Elements::Bits magnitudes[group_blocks];
  magnitudes_of<Elements>(source, blocks, blocksize, magnitudes);
  const FourFloats d;
  const FourInts di;
  const auto low = Elements::widen(magnitudes);
  const auto high = Elements::widen(magnitudes + 4);
  hn::Store(low, d, group.absmax.data());
  hn::Store(high, d, group.absmax.data() + 4);
  const auto one = hn::Set(d, 1.0f);
  hn::Store(hn::Div(one, low), d, group.reciprocal.data());
  hn::Store(hn::Div(one, high), d, group.reciprocal.data() + 4);
  group.ordinary = hn::AllTrue(di, hn::And(ordinary_lanes(di, hn::BitCast(di, low)),
                                           ordinary_lanes(di, hn::BitCast(di, high))));
}

template <class Elements>
HWY_INLINE void code_group(const Coder& coder, const typename Elements::Element* source,
                           std::size_t blocks, std::size_t blocksize, const float* reciprocals,
                           std::uint8_t* packed) {
  constexpr std::size_t step = 2 * lanes;  // elements of a pair, which lie in the same block
  const auto log2_blocksize = static_cast<unsigned>(std::countr_zero(blocksize));
  const std::size_t pairs = blocks * blocksize / step;
  const auto code = [&](std::size_t pair) HWY_ATTR {
    const float reciprocal = reciprocals[pair * step >> log2_blocksize];
    return coder.code_pair(Elements::load(source + pair * step), hn::Set(Floats(), reciprocal));
  };
  const std::size_t batched = pairs / batch * batch;
  for (std::size_t pair = 0; pair < batched; pair += batch) {
    const WordVector codes[batch] = {code(pair), code(pair + 1), code(pair + 2), code(pair + 3)};
    store_batch(codes, packed + pair * lanes);
  }
  for (std::size_t pair = batched; pair < pairs; ++pair) {
    hn::StoreU(hn::U8FromU32(code(pair)), hn::Rebind<std::uint8_t, Words>(), packed + pair * lanes);
  }
}

/// Codes the blocks [first, first + here), which have been measured, and measures the next ones.
template <class Elements>
HWY_INLINE void code_and_measure_next(const Coder& coder,
                                      const typename Elements::Element* elements,
                                      std::size_t blocks, std::size_t blocksize, std::size_t first,
                                      std::size_t here, std::array<Group, 2>& groups,
                                      std::uint8_t* packed, float* absmax) {
  const Group& group = groups[first / group_blocks % 2];
  Group& next_group = groups[(first / group_blocks + 1) % 2];
  const std::size_t next = first + here;
  const auto* after = elements + next * blocksize;
  if (blocks - next >= group_blocks) {
    measure<Elements>(after, group_blocks, blocksize, next_group);
  } else if (blocks > next) {
    measure<Elements>(after, blocks - next, blocksize, next_group);
  }
  code_group<Elements>(coder, elements + first * blocksize, here, blocksize,
                       group.reciprocal.data(), packed + first * blocksize / 2);
  std::copy_n(group.absmax.begin(), here, absmax + first);
}

/// `constant_blocksize`, unless 0, lets the compiler unroll everything for that blocksize.
template <class Elements, std::size_t constant_blocksize>
void quantize_groups(Dtype dtype, const std::byte* source, std::size_t blocks, Nf4Variant variant,
                     std::uint32_t given_blocksize, std::byte* packed, float* absmax) {
  const std::size_t blocksize = constant_blocksize != 0 ? constant_blocksize : given_blocksize;
  const auto* elements = reinterpret_cast<const typename Elements::Element*>(source);
  auto* bytes = reinterpret_cast<std::uint8_t*>(packed);
  const Coder coder(variant);
  std::array<Group, 2> groups;
  measure<Elements>(elements, std::min(group_blocks, blocks), blocksize, groups[0]);
  for (std::size_t first = 0; first < blocks; first += group_blocks) {
    const std::size_t here = std::min(group_blocks, blocks - first);
    if (here == group_blocks) {
      code_and_measure_next<Elements>(coder, elements, blocks, blocksize, first, group_blocks,
                                      groups, bytes, absmax);
    } else {
      code_and_measure_next<Elements>(coder, elements, blocks, blocksize, first, here, groups,
                                      bytes, absmax);
    }
    if (groups[first / group_blocks % 2].ordinary) continue;
    for (std::size_t block = first; block < first + here; ++block) {
      if (ordinary(absmax[block])) continue;
      std::byte* codes = packed + block * blocksize / 2;
      if (absmax[block] == 0.0f) {
        std::fill_n(codes, blocksize / 2, zero_codes(variant));  // frequent enough to be quick
        continue;
      }
      nf4_quantize_scalar(dtype, source + block * blocksize * sizeof *elements, blocksize, variant,
                          given_blocksize, codes, absmax + block);
    }
  }
}

template <class Elements>
void quantize_elements(Dtype dtype, const std::byte* source, std::size_t blocks, Nf4Variant variant,
                       std::uint32_t blocksize, std::byte* packed, float* absmax) {
  if (blocks == 0) return;
  const auto quantize = blocksize == 64    ? quantize_groups<Elements, 64>
                        : blocksize == 32  ? quantize_groups<Elements, 32>
                        : blocksize == 128 ? quantize_groups<Elements, 128>
                                           : quantize_groups<Elements, 0>;
  quantize(dtype, source, blocks, variant, blocksize, packed, absmax);
}

void quantize_blocks(Dtype dtype, const std::byte* source, std::size_t blocks, Nf4Variant variant,
                     std::uint32_t blocksize, std::byte* packed, float* absmax) {
  const auto quantize = dtype == Dtype::f32   ? quantize_elements<F32Elements>
                        : dtype == Dtype::f16 ? quantize_elements<F16Elements>
                                              : quantize_elements<Bf16Elements>;
  quantize(dtype, source, blocks, variant, blocksize, packed, absmax);
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void nf4_quantize_blocks(Dtype dtype, const std::byte* source, std::size_t blocks,
                         Nf4Variant variant, std::uint32_t blocksize, std::byte* packed,
                         float* absmax) {
  quantize_blocks(dtype, source, blocks, variant, blocksize, packed, absmax);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs {

HWY_EXPORT(nf4_quantize_blocks);

void nf4_quantize(Dtype dtype, const std::byte* source, std::size_t count, Nf4Variant variant,
                  std::uint32_t blocksize, std::byte* packed, float* absmax) {
  const std::size_t blocks = count / blocksize;
  const std::size_t done = blocks * blocksize;
  HWY_DYNAMIC_DISPATCH(nf4_quantize_blocks)
  (dtype, source, blocks, variant, blocksize, packed, absmax);
  if (done < count) {
    nf4_quantize_scalar(dtype, source + done * (bits_of(dtype) / 8), count - done, variant,
                        blocksize, packed + done / 2, absmax + blocks);
  }
}

}  // namespace plimsoll::codecs
#endif
