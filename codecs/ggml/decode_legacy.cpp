#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/vector_decoders.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/decode_legacy.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/block_runs-inl.hpp"
#include "codecs/ggml/lookup-inl.hpp"
#include "codecs/ggml/products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

/// The sixteen numbers of a block, at even and odd codes, by a map of codes less `zero`.
template <class To, class Map>
HWY_INLINE Lookup<To> lookup_of_nibbles(float zero, Map map) {
  const Floats d;
  const auto even = hn::Mul(hn::Iota(d, 0.0f), hn::Set(d, 2.0f));
  return {map(hn::Sub(even, hn::Set(d, zero))), map(hn::Sub(even, hn::Set(d, zero - 1.0f)))};
}

struct Q4_0 {
  static constexpr Type type = Type::q4_0;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 18;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto lookup = lookup_of_nibbles<To>(8.0f, Scaled(f16_field(block)));
    lookup.store(nibbles<typename Lookup<To>::Order, 16>(block + 2), to);
  }
};

struct Q4_1 {
  static constexpr Type type = Type::q4_1;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 20;
  static bool finite(const std::uint8_t* block) {
    return finite_f16(block) && finite_f16(block + 2);
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto lookup =
        lookup_of_nibbles<To>(0.0f, ScaledAndMoved(f16_field(block), f16_field(block + 2)));
    lookup.store(nibbles<typename Lookup<To>::Order, 16>(block + 4), to);
  }
};

/// Five bits an element: nibbles, and a word of fifth bits.
template <class To>
HWY_INLINE ByteVector five_bits(std::uint32_t fifth, const std::uint8_t* codes) {
  using Order = ProductsOrder<To>;
  return hn::Or(nibbles<Order, 16>(codes), hn::And(where_set<Order>(fifth), constant(16)));
}

struct Q5_0 {
  static constexpr Type type = Type::q5_0;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 22;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto codes = hn::Sub(five_bits<To>(u32_at(block + 2), block + 6), constant(16));
    store_products<To>(codes, Scaled(f16_field(block) * code_unit), to);
  }
};

struct Q5_1 {
  static constexpr Type type = Type::q5_1;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 24;
  static bool finite(const std::uint8_t* block) {
    return finite_f16(block) && finite_f16(block + 2);
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const ScaledAndMoved map(f16_field(block) * code_unit, f16_field(block + 2));
    store_products<To>(five_bits<To>(u32_at(block + 4), block + 8), map, to);
  }
};

struct Q8_0 {
  static constexpr Type type = Type::q8_0;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 34;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    store_products<To>(arranged<ProductsOrder<To>>(block + 2), Scaled(f16_field(block) * code_unit),
                       to);
  }
};

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void decode_legacy_vectors(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                           std::byte* destination) {
#if HWY_TARGET <= HWY_AVX2
  if (decode_any_of<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0>(type, blocks, count, dtype, destination)) {
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

HWY_EXPORT(decode_legacy_vectors);

void decode_legacy(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                   std::byte* destination) noexcept {
  HWY_DYNAMIC_DISPATCH(decode_legacy_vectors)(type, blocks, count, dtype, destination);
}

}  // namespace plimsoll::codecs::ggml
#endif
