// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_NF4_CODER_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_NF4_CODER_INL_HPP
#undef PLIMSOLL_CODECS_NF4_CODER_INL_HPP
#else
#define PLIMSOLL_CODECS_NF4_CODER_INL_HPP
#endif

#include <hwy/highway.h>

#include "codecs/elements-inl.hpp"
#include "codecs/nf4_buckets.hpp"

// A Coder turns pairs of fp32 elements into bytes of two codes, one in every 32-bit lane. Which one
// there is depends on how many table entries the machine can permute.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

/// Added to a number below 2^22, leaves its nearest integer in the low bits of the sum.
constexpr float integer_maker = 12582912.0f;  // 1.5 * 2^23

#if HWY_TARGET <= HWY_AVX3

/// 32 buckets: a comparison an element.
class Coder {
 public:
  explicit Coder(Nf4Variant variant) {
    const Nf4Buckets32& buckets =
        variant == Nf4Variant::cuda ? nf4_cuda_buckets_32 : nf4_cpu_buckets_32;
    const float* thresholds = buckets.thresholds[0].data();
    const std::uint32_t* below = buckets.below.data();
    threshold_ = {_mm512_load_ps(thresholds), _mm512_load_ps(thresholds + 16)};
    odd_below_ = {_mm512_load_si512(below), _mm512_load_si512(below + 16)};
    even_below_ = {_mm512_slli_epi32(odd_below_.low, 4), _mm512_slli_epi32(odd_below_.high, 4)};
  }

  [[nodiscard]] HWY_INLINE WordVector code_pair(Pair pair, FloatVector reciprocal) const {
    const __m512 even = _mm512_mul_ps(pair.even.raw, reciprocal.raw);
    const __m512 odd = _mm512_mul_ps(pair.odd.raw, reciprocal.raw);
    const __m512i even_bucket = bucket_of(even);
    const __m512i odd_bucket = bucket_of(odd);
    const __mmask16 even_above = above(even, even_bucket);
    const __mmask16 odd_above = above(odd, odd_bucket);
    __m512i codes =
        _mm512_add_epi32(_mm512_permutex2var_epi32(even_below_.low, even_bucket, even_below_.high),
                         _mm512_permutex2var_epi32(odd_below_.low, odd_bucket, odd_below_.high));
    codes = _mm512_mask_add_epi32(codes, even_above, codes, _mm512_set1_epi32(16));
    return WordVector{_mm512_mask_add_epi32(codes, odd_above, codes, _mm512_set1_epi32(1))};
  }

 private:
  struct FloatTable {
    __m512 low, high;
  };
  struct WordTable {
    __m512i low, high;
  };

  static HWY_INLINE __m512i bucket_of(__m512 scaled) {
    return _mm512_castps_si512(
        _mm512_fmadd_ps(scaled, _mm512_set1_ps(static_cast<float>(nf4_line_32.slope)),
                        _mm512_set1_ps(integer_maker)));
  }
  [[nodiscard]] HWY_INLINE __mmask16 above(__m512 scaled, __m512i bucket) const {
    const __m512 threshold = _mm512_permutex2var_ps(threshold_.low, bucket, threshold_.high);
    return _mm512_cmp_ps_mask(scaled, threshold, _CMP_GT_OQ);
  }

  FloatTable threshold_;
  WordTable even_below_;
  WordTable odd_below_;
};

#elif HWY_TARGET == HWY_AVX2

/// Eight buckets: three comparisons an element.
class Coder {
 public:
  explicit Coder(Nf4Variant variant) {
    const Nf4Buckets8& buckets =
        variant == Nf4Variant::cuda ? nf4_cuda_buckets_8 : nf4_cpu_buckets_8;
    for (std::size_t i = 0; i < 3; ++i) {
      threshold_[i] = _mm256_load_ps(buckets.thresholds[i].data());
    }
    below_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(buckets.below.data()));
  }

  [[nodiscard]] HWY_INLINE WordVector code_pair(Pair pair, FloatVector reciprocal) const {
    const __m256i even = code(_mm256_mul_ps(pair.even.raw, reciprocal.raw));
    const __m256i odd = code(_mm256_mul_ps(pair.odd.raw, reciprocal.raw));
    return WordVector{_mm256_add_epi32(_mm256_slli_epi32(even, 4), odd)};
  }

 private:
  [[nodiscard]] HWY_INLINE __m256i code(__m256 scaled) const {
    const __m256 place =
        _mm256_fmadd_ps(scaled, _mm256_set1_ps(static_cast<float>(nf4_line_8.slope)),
                        _mm256_set1_ps(static_cast<float>(nf4_line_8.offset)));
    const __m256i bucket = _mm256_castps_si256(_mm256_add_ps(place, _mm256_set1_ps(integer_maker)));
    __m256i code = _mm256_permutevar8x32_epi32(below_, bucket);
    for (const __m256& thresholds : threshold_) {
      const __m256 threshold = _mm256_permutevar8x32_ps(thresholds, bucket);
      const __m256 above = _mm256_cmp_ps(scaled, threshold, _CMP_GT_OQ);
      code = _mm256_sub_epi32(code, _mm256_castps_si256(above));
    }
    return code;
  }

  __m256 threshold_[3];
  __m256i below_;
};

#else

/// No look-up: a comparison an element and threshold.
class Coder {
 public:
  explicit Coder(Nf4Variant variant) : thresholds_(nf4_thresholds(variant)) {}

  [[nodiscard]] HWY_INLINE WordVector code_pair(Pair pair, FloatVector reciprocal) const {
    const auto even = code(hn::Mul(pair.even, reciprocal));
    const auto odd = code(hn::Mul(pair.odd, reciprocal));
    return hn::Add(hn::ShiftLeft<4>(even), odd);
  }

 private:
  [[nodiscard]] HWY_INLINE WordVector code(FloatVector scaled) const {
    const Floats d;
    const Words words;
    WordVector code = hn::Zero(words);
    for (const float threshold : thresholds_) {
      const auto above = hn::VecFromMask(d, hn::Gt(scaled, hn::Set(d, threshold)));
      code = hn::Sub(code, hn::BitCast(words, above));
    }
    return code;
  }

  const std::array<float, 15>& thresholds_;
};

#endif

constexpr std::size_t batch = 4;  // code vectors that are packed together

/// Packs four vectors that hold a byte in every lane.
HWY_INLINE void store_batch(const WordVector (&codes)[batch], std::uint8_t* to) {
#if HWY_TARGET <= HWY_AVX3
  // Packing works in quarters of a vector: bring the quarters of each of the four together again.
  const __m512i bytes = _mm512_packus_epi16(_mm512_packus_epi32(codes[0].raw, codes[1].raw),
                                            _mm512_packus_epi32(codes[2].raw, codes[3].raw));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, bytes));
#elif HWY_TARGET == HWY_AVX2
  const __m256i bytes = _mm256_packus_epi16(_mm256_packus_epi32(codes[0].raw, codes[1].raw),
                                            _mm256_packus_epi32(codes[2].raw, codes[3].raw));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(bytes, order));
#else
  const hn::Rebind<std::uint8_t, Words> d;
  for (std::size_t i = 0; i < batch; ++i) {
    hn::StoreU(hn::U8FromU32(codes[i]), d, to + i * lanes);
  }
#endif
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs
HWY_AFTER_NAMESPACE();

#endif
