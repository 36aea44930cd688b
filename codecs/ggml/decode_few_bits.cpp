#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/vector_decoders.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/decode_few_bits.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/block_runs-inl.hpp"
#include "codecs/ggml/lookup-inl.hpp"

// Two to four numbers are possible in a whole block: one look-up serves it.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

/// (code - 1) * scale, for the codes 0 to 3.
template <class To>
HWY_INLINE Lookup<To> ternary_lookup(float scale) {
  const Floats d;
  const auto scales = hn::Set(d, scale);
  const auto even = hn::Sub(hn::Mul(hn::Iota(d, 0.0f), hn::Set(d, 2.0f)), hn::Set(d, 1.0f));
  return {hn::Mul(even, scales), hn::Mul(hn::Add(even, hn::Set(d, 1.0f)), scales)};
}

/// Powers of 3 that bring a digit of TQ1_0 to the highest place.
constexpr ByteTable places(std::uint8_t low, std::uint8_t high) {
  ByteTable table{};
  for (std::size_t i = 0; i < run; ++i) table[i] = i < 16 ? low : high;
  return table;
}

constexpr ByteTable first_places = places(1, 3);
constexpr ByteTable next_places = places(9, 27);
constexpr ByteTable last_places = [] {
  ByteTable table = places(81, 0);
  constexpr std::uint8_t powers[4] = {1, 3, 9, 27};
  for (std::size_t i = 16; i < run; ++i) table[i] = powers[i % 16 / 4];
  return table;
}();

struct Tq1_0 {
  static constexpr Type type = Type::tq1_0;
  static constexpr std::size_t elements = 256;
  static constexpr std::size_t bytes = 54;
  static bool finite(const std::uint8_t* block) { return finite_f16(block + 52); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = typename Lookup<To>::Order;
    const auto lookup = ternary_lookup<To>(f16_field(block + 52));
    auto rest = arranged<Order>(block);
    for (std::size_t place = 0; place < 5; ++place, to += run) {
      lookup.store(digits(rest), to);
      rest = hn::Add(hn::Add(rest, rest), rest);
    }
    // Two places of the next sixteen bytes at a time; beside the fifth, four of the last four.
    const auto next = hn::LoadDup128(Bytes(), block + 32);
    lookup.store(digits(arranged<Order>(times(next, first_places))), to);
    lookup.store(digits(arranged<Order>(times(next, next_places))), to + run);
    const auto last = hn::BitCast(Bytes(), hn::Set(Words(), u32_at(block + 48)));
    const auto fifth_and_last = hn::ConcatUpperLower(Bytes(), last, next);
    lookup.store(digits(arranged<Order>(times(fifth_and_last, last_places))), to + 2 * run);
  }

 private:
  /// The lowest bytes of products.
  static HWY_INLINE ByteVector times(ByteVector bytes, const ByteTable& factors) {
    const Halves d;
    const auto b = hn::BitCast(d, bytes);
    const auto f = hn::BitCast(d, load(factors));
    const auto even = hn::BitCast(Bytes(), hn::Mul(b, f));
    const auto odd = hn::ShiftLeft<8>(hn::Mul(hn::ShiftRight<8>(b), hn::ShiftRight<8>(f)));
    return hn::OddEven(hn::BitCast(Bytes(), odd), even);
  }

  /// The digits of the highest place: byte * 3 / 256.
  static HWY_INLINE ByteVector digits(ByteVector rest) {
    const Bytes d;
    const auto at_least = [&](unsigned least) HWY_ATTR {
      return hn::VecFromMask(d, hn::Eq(hn::Max(rest, constant(least)), rest));
    };
    return hn::Sub(hn::Sub(hn::Zero(d), at_least(86)), at_least(171));
  }
};

struct Tq2_0 {
  static constexpr Type type = Type::tq2_0;
  static constexpr std::size_t elements = 256;
  static constexpr std::size_t bytes = 66;
  static bool finite(const std::uint8_t* block) { return finite_f16(block + 64); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto lookup = ternary_lookup<To>(f16_field(block + 64));
    for (std::size_t half = 0; half < 2; ++half) {
      auto codes = arranged<typename Lookup<To>::Order>(block + 32 * half);
      for (std::size_t i = 0; i < 4; ++i, to += run) {
        lookup.store(hn::And(codes, constant(3)), to);
        codes = moved_down<2>(codes);
      }
    }
  }
};

struct Q1_0 {
  static constexpr Type type = Type::q1_0;
  static constexpr std::size_t elements = 128;
  static constexpr std::size_t bytes = 18;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const Floats d;
    const float scale = f16_field(block);
    const Lookup<To> lookup(hn::Set(d, -scale), hn::Set(d, scale));
    for (std::size_t i = 0; i < elements / run; ++i) {
      const auto set = where_set<typename Lookup<To>::Order>(u32_at(block + 2 + 4 * i));
      lookup.store(hn::And(set, constant(1)), to + run * i);
    }
  }
};

struct Q2_0 {
  static constexpr Type type = Type::q2_0;
  static constexpr std::size_t elements = 64;
  static constexpr std::size_t bytes = 18;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = typename Lookup<To>::Order;
    constexpr ByteTable first = table_of<Order>([](unsigned i) { return i / 4; });
    constexpr ByteTable second = table_of<Order>([](unsigned i) { return 8 + i / 4; });
    const auto lookup = ternary_lookup<To>(f16_field(block));
    const auto packed = hn::LoadDup128(Bytes(), block + 2);
    lookup.store(two_bits(hn::TableLookupBytes(packed, load(first))), to);
    lookup.store(two_bits(hn::TableLookupBytes(packed, load(second))), to + run);
  }

 private:
  /// Two bits of each byte: of four bytes in a row, the first takes the lowest.
  static HWY_INLINE ByteVector two_bits(ByteVector bytes) {
    const Halves d;
    const auto halves = hn::BitCast(d, bytes);
    const auto fours = hn::BitCast(Bytes(), hn::OddEven(hn::ShiftRight<4>(halves), halves));
    return hn::And(hn::OddEven(moved_down<2>(fours), fours), constant(3));
  }
};

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void decode_few_bits_vectors(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                             std::byte* destination) {
#if HWY_TARGET <= HWY_AVX2
  if (decode_any_of<Tq1_0, Tq2_0, Q1_0, Q2_0>(type, blocks, count, dtype, destination)) {
    return;
  }
#endif
  decode_scalar(type, blocks, count, dtype, destination);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(decode_few_bits_vectors);

void decode_few_bits(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                     std::byte* destination) noexcept {
  HWY_DYNAMIC_DISPATCH(decode_few_bits_vectors)(type, blocks, count, dtype, destination);
}

}  // namespace plimsoll::codecs::ggml
#endif
