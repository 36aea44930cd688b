#include <bit>

#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/vector_decoders.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/decode_k.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/block_runs-inl.hpp"
#include "codecs/ggml/lookup-inl.hpp"
#include "codecs/ggml/products-inl.hpp"
#include "codecs/ggml/sub_scales-inl.hpp"

// How it works. The scales of all sub-blocks are computed at once; of the codes, 32 at a time, the
// bits that are wanted are moved down step by step. A look-up has sixteen entries: those of one
// sub-block of Q4_K, of two of Q3_K with eight codes each, or of four of Q2_K with four each, where
// the number of the sub-block stands above an element's code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

constexpr std::size_t k_elements = 256;

/// What the sub-blocks of Q4_K and Q5_K scale by and lie above: see scale_and_least().
struct SubBlocks {
  alignas(32) float scale[8];
  alignas(32) float offset[8];

  HWY_INLINE SubBlocks(const std::uint8_t* block, float unit) {
    const std::uint32_t first = u32_at(block + 4);
    const std::uint32_t second = u32_at(block + 8);
    const std::uint32_t third = u32_at(block + 12);
    constexpr std::uint32_t two = 0x03030303;
    constexpr std::uint32_t four = 0x0F0F0F0F;
    constexpr std::uint32_t six = 0x3F3F3F3F;
    const std::uint64_t last_scales = (third & four) | (first >> 6 & two) << 4;
    const std::uint64_t last_leasts = (third >> 4 & four) | (second >> 6 & two) << 4;
    store_scales(last_scales << 32 | (first & six), 0, f16_field(block) * unit, scale);
    store_scales(last_leasts << 32 | (second & six), 0, -f16_field(block + 2), offset);
#if HWY_COMPILER_GCC
    // Keeps the compiler from spreading single lanes out of registers, which costs a tenth: the
    // shuffles are what there are too few units for, and loads spread for nothing.
    asm("" : "+m"(scale), "+m"(offset));
#endif
  }
};

struct Q4K {
  static constexpr Type type = Type::q4_k;
  static constexpr std::size_t elements = k_elements;
  static constexpr std::size_t bytes = 144;
  static bool finite(const std::uint8_t* block) {
    return finite_f16(block) && finite_f16(block + 2);
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const SubBlocks subs(block, 1.0f);
    for (std::size_t sub = 0; sub < 8; sub += 2) {
      const auto codes = arranged<typename Lookup<To>::Order>(block + 16 + 16 * sub);
      lookup<To>(subs, sub).store(low_nibbles(codes), to + 32 * sub);
      lookup<To>(subs, sub + 1).store(high_nibbles(codes), to + 32 * (sub + 1));
    }
  }

 private:
  template <class To>
  static HWY_INLINE Lookup<To> lookup(const SubBlocks& subs, std::size_t sub) {
    const Floats d;
    const ScaledAndMoved map(subs.scale[sub], subs.offset[sub]);
    const auto even = hn::Mul(hn::Iota(d, 0.0f), hn::Set(d, 2.0f));
    return {map(even), map(hn::Add(even, hn::Set(d, 1.0f)))};
  }
};

struct Q5K {
  static constexpr Type type = Type::q5_k;
  static constexpr std::size_t elements = k_elements;
  static constexpr std::size_t bytes = 176;
  static bool finite(const std::uint8_t* block) {
    return finite_f16(block) && finite_f16(block + 2);
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const SubBlocks subs(block, code_unit);
    auto fifth = arranged<Order>(block + 16);
    for (std::size_t sub = 0; sub < 8; sub += 2) {
      const auto codes = arranged<Order>(block + 48 + 16 * sub);
      const auto low = hn::Or(low_nibbles(codes), hn::And(moved_up<4>(fifth), constant(16)));
      const auto high = hn::Or(high_nibbles(codes), hn::And(moved_up<3>(fifth), constant(16)));
      store_products<To>(low, ScaledAndMoved(subs.scale[sub], subs.offset[sub]), to + 32 * sub);
      store_products<To>(high, ScaledAndMoved(subs.scale[sub + 1], subs.offset[sub + 1]),
                         to + 32 * (sub + 1));
      fifth = moved_down<2>(fifth);
    }
  }
};

struct Q6K {
  static constexpr Type type = Type::q6_k;
  static constexpr std::size_t elements = k_elements;
  static constexpr std::size_t bytes = 210;
  static bool finite(const std::uint8_t* block) { return finite_f16(block + 208); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    alignas(32) float scales[16];
    const float unit = f16_field(block + 208) * code_unit;
    const hn::FixedTag<std::int8_t, 8> d;
    const auto* own_scales = reinterpret_cast<const std::int8_t*>(block + 192);
    store_scales(hn::LoadU(d, own_scales), 0, unit, scales);
    store_scales(hn::LoadU(d, own_scales + 8), 0, unit, scales + 8);
    for (std::size_t half = 0; half < 2; ++half) {
      const auto first = arranged<Order>(block + 64 * half);
      const auto second = arranged<Order>(block + 64 * half + 32);
      const auto high = arranged<Order>(block + 128 + 32 * half);
      const float* own = scales + 8 * half;
      store<To>(low_nibbles(first), moved_up<4>(high), own, to);
      store<To>(low_nibbles(second), moved_up<2>(high), own + 2, to + 32);
      store<To>(high_nibbles(first), high, own + 4, to + 64);
      store<To>(high_nibbles(second), moved_down<2>(high), own + 6, to + 96);
      to += 128;
    }
  }

 private:
  /// Of codes with four bits in place and two at 16 and 32 among others.
  template <class To>
  static HWY_INLINE void store(ByteVector four, ByteVector two, const float* scales,
                               typename To::Element* to) {
    const auto codes = hn::Or(four, hn::And(two, constant(0x30)));
    store_products<To>(hn::Sub(codes, constant(32)), Scaled(scales[0]), Scaled(scales[1]), to);
  }
};

/// Scales so small or large that the unit would not be exact are left to the scalar code.
struct Q8K {
  static constexpr Type type = Type::q8_k;
  static constexpr std::size_t elements = k_elements;
  static constexpr std::size_t bytes = 292;
  static bool finite(const std::uint8_t* block) {
    const std::uint32_t exponent = u32_at(block) >> 23 & 0xFF;
    return exponent > 32 && exponent < 255;
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const Scaled map(std::bit_cast<float>(u32_at(block)) * code_unit);
    for (std::size_t i = 0; i < elements; i += run) {
      store_products<To>(arranged<ProductsOrder<To>>(block + 4 + i), map, to + i);
    }
  }
};

struct Q3K {
  static constexpr Type type = Type::q3_k;
  static constexpr std::size_t elements = k_elements;
  static constexpr std::size_t bytes = 110;
  static bool finite(const std::uint8_t* block) { return finite_f16(block + 108); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = typename Lookup<To>::Order;
    constexpr ByteTable sub_block = table_of<Order>([](unsigned i) { return i / 16 * 8; });
    alignas(32) float scales[16];
    store_own_scales(block, scales);
    auto third = arranged<Order>(block);
    for (std::size_t half = 0; half < 2; ++half) {
      auto codes = arranged<Order>(block + 32 + 32 * half);
      for (std::size_t sub = 8 * half; sub < 8 * (half + 1); sub += 2) {
        const auto two = hn::And(codes, constant(3));
        const auto three = hn::Or(two, hn::And(moved_up<2>(third), constant(4)));
        lookup<To>(scales + sub).store(hn::Or(three, load(sub_block)), to + 16 * sub);
        codes = moved_down<2>(codes);
        third = moved_down<1>(third);
      }
    }
  }

 private:
  /// See q3_scale().
  static HWY_INLINE void store_own_scales(const std::uint8_t* block, float* scales) {
    constexpr std::uint32_t two = 0x03030303;
    constexpr std::uint32_t four = 0x0F0F0F0F;
    const std::uint32_t first = u32_at(block + 96);
    const std::uint32_t second = u32_at(block + 100);
    const std::uint32_t high = u32_at(block + 104);
    const std::uint64_t low[2] = {(first & four) | (high & two) << 4,
                                  (first >> 4 & four) | (high >> 4 & two) << 4};
    const std::uint64_t up[2] = {(second & four) | (high >> 2 & two) << 4,
                                 (second >> 4 & four) | (high >> 6 & two) << 4};
    const float scale = f16_field(block + 108);
    store_scales(up[0] << 32 | low[0], 32, scale, scales);
    store_scales(up[1] << 32 | low[1], 32, scale, scales + 8);
  }

  template <class To>
  static HWY_INLINE Lookup<To> lookup(const float* scales) {
    const Floats d;
    const hn::Half<Floats> half;
    alignas(32) constexpr float even[8] = {-4, -2, 0, 2, -4, -2, 0, 2};
    alignas(32) constexpr float odd[8] = {-3, -1, 1, 3, -3, -1, 1, 3};
    const auto scale = hn::Combine(d, hn::Set(half, scales[1]), hn::Set(half, scales[0]));
    return {hn::Mul(scale, hn::Load(d, even)), hn::Mul(scale, hn::Load(d, odd))};
  }
};

struct Q2K {
  static constexpr Type type = Type::q2_k;
  static constexpr std::size_t elements = k_elements;
  static constexpr std::size_t bytes = 84;
  static bool finite(const std::uint8_t* block) {
    return finite_f16(block + 80) && finite_f16(block + 82);
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = typename Lookup<To>::Order;
    constexpr ByteTable first_subs = table_of<Order>([](unsigned i) { return i / 16 * 4; });
    constexpr ByteTable last_subs = table_of<Order>([](unsigned i) { return 8 + i / 16 * 4; });
    const auto scale = hn::Set(Floats(), f16_field(block + 80));
    const auto offset = hn::Set(Floats(), -f16_field(block + 82));
    for (std::size_t half = 0; half < 2; ++half) {
      auto codes = arranged<Order>(block + 16 + 32 * half);
      for (std::size_t sub = 8 * half; sub < 8 * (half + 1); sub += 4) {
        const auto four_subs = lookup<To>(u32_at(block + sub), scale, offset);
        const auto first = hn::And(codes, constant(3));
        const auto last = hn::And(moved_down<2>(codes), constant(3));
        four_subs.store(hn::Or(first, load(first_subs)), to + 16 * sub);
        four_subs.store(hn::Or(last, load(last_subs)), to + 16 * (sub + 2));
        codes = moved_down<4>(codes);
      }
    }
  }

 private:
  /// Of four sub-blocks, whose scales and least values are nibbles of a byte each.
  template <class To>
  static HWY_INLINE Lookup<To> lookup(std::uint32_t bytes, FloatVector scale, FloatVector offset) {
    const Floats d;
    const Words words;
    alignas(32) constexpr std::uint32_t places[8] = {0, 0, 8, 8, 16, 16, 24, 24};
    alignas(32) constexpr float codes[8] = {0, 2, 0, 2, 0, 2, 0, 2};
    const auto byte = hn::Set(words, bytes) >> hn::Load(words, places);
    const auto four = hn::Set(words, 15);
    const auto own_scale =
        hn::Mul(scale, hn::ConvertTo(d, hn::BitCast(Ints(), hn::And(byte, four))));
    const auto own_offset = hn::Mul(
        offset, hn::ConvertTo(d, hn::BitCast(Ints(), hn::And(hn::ShiftRight<4>(byte), four))));
    const auto even = hn::Load(d, codes);
    const auto odd = hn::Add(even, hn::Set(d, 1.0f));
    return {hn::Add(hn::Mul(own_scale, even), own_offset),
            hn::Add(hn::Mul(own_scale, odd), own_offset)};
  }
};

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void decode_k_vectors(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                      std::byte* destination) {
#if HWY_TARGET <= HWY_AVX2
  if (decode_any_of<Q2K, Q3K, Q4K, Q5K, Q6K, Q8K>(type, blocks, count, dtype, destination)) {
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

HWY_EXPORT(decode_k_vectors);

void decode_k(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
              std::byte* destination) noexcept {
  HWY_DYNAMIC_DISPATCH(decode_k_vectors)(type, blocks, count, dtype, destination);
}

}  // namespace plimsoll::codecs::ggml
#endif
