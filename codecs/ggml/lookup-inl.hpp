// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_LOOKUP_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_LOOKUP_INL_HPP
#undef PLIMSOLL_CODECS_GGML_LOOKUP_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_LOOKUP_INL_HPP
#endif

#include <hwy/highway.h>

#include "codecs/ggml/destinations-inl.hpp"

// Where few numbers are possible, sixteen at most, for 32 elements or more: these are computed and
// rounded once, and then looked up byte by byte, which takes less than computing every element.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET <= HWY_AVX2

/// The upper and lower bytes of sixteen halves, ready to be looked up by codes 0 to 15.
class HalfLookup {
 public:
  explicit HWY_INLINE HalfLookup(HalfVector halves) {
    constexpr ByteTable apart = {0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
                                 0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15};
    const Longs d;
    const auto split =
        hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(Bytes(), halves), load(apart)));
    const auto first = hn::ConcatLowerLower(d, split, split);
    const auto second = hn::ConcatUpperUpper(d, split, split);
    lower_ = hn::BitCast(Bytes(), hn::InterleaveLower(d, first, second));
    upper_ = hn::BitCast(Bytes(), hn::InterleaveUpper(d, first, second));
  }

  struct Found {
    HalfVector first;
    HalfVector second;
  };

  /// Of codes ByHalves.
  [[nodiscard]] HWY_INLINE Found operator()(ByteVector codes) const {
    const Bytes d;
    const auto lower = hn::TableLookupBytes(lower_, codes);
    const auto upper = hn::TableLookupBytes(upper_, codes);
    return {hn::BitCast(Halves(), hn::InterleaveLower(d, lower, upper)),
            hn::BitCast(Halves(), hn::InterleaveUpper(d, lower, upper))};
  }

 private:
  ByteVector lower_;
  ByteVector upper_;
};

/// Made of the numbers that codes 0, 2, 4 ... and 1, 3, 5 ... stand for.
template <class To>
class Lookup {
 public:
  using Order = ByHalves;

  HWY_INLINE Lookup(FloatVector even, FloatVector odd) : halves_(To::narrow(even, odd)) {}

  /// Stores the elements of 32 codes, which are in this Order.
  HWY_INLINE void store(ByteVector codes, typename To::Element* to) const {
    const HalfLookup::Found found = halves_(codes);
    hn::StoreU(found.first, Halves(), to);
    hn::StoreU(found.second, Halves(), to + 16);
  }

 private:
  HalfLookup halves_;
};

template <>
class Lookup<ToF32> {
 public:
  using Order = ByWords;

  HWY_INLINE Lookup(FloatVector even, FloatVector odd) : Lookup(half_pairs(even, odd)) {}

  HWY_INLINE void store(ByteVector codes, float* to) const {
    const HalfLookup::Found lower = lower_(codes);
    const HalfLookup::Found upper = upper_(codes);
    store_words(lower.first, upper.first, to);
    store_words(lower.second, upper.second, to + 16);
  }

 private:
  explicit HWY_INLINE Lookup(HalfPairs numbers) : lower_(numbers.lower), upper_(numbers.upper) {}

  static HWY_INLINE void store_words(HalfVector lower, HalfVector upper, float* to) {
    const Halves d;
    ToF32::store(hn::BitCast(Floats(), hn::InterleaveLower(d, lower, upper)), to);
    ToF32::store(hn::BitCast(Floats(), hn::InterleaveUpper(d, lower, upper)), to + 8);
  }

  HalfLookup lower_;
  HalfLookup upper_;
};

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
