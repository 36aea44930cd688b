#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/iq_grids.hpp"
#include "codecs/ggml/vector_decoders.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/decode_iq.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/block_runs-inl.hpp"
#include "codecs/ggml/products-inl.hpp"

// How it works. Four points of a grid, or eight of IQ3, are the magnitudes of 32 elements, and
// become signed bytes. For IQ1 these are eighths: its elements are 8 * digit + 1 or - 1 eighths of
// the scale. A scale is the block's, times a number with a 3- or 4-bit code; as both have few bits,
// the order of the factors does not matter.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

constexpr std::size_t iq_elements = 256;

/// The scales of four bits: 0.5, 1.5, 2.5 ... times code_unit.
constexpr std::array<float, 16> half_steps = [] {
  std::array<float, 16> steps{};
  for (unsigned i = 0; i < 16; ++i) steps[i] = (0.5f + static_cast<float>(i)) * code_unit;
  return steps;
}();

/// The odd ones: 1, 3, 5 ... times code_unit.
constexpr std::array<float, 16> odd_steps = [] {
  std::array<float, 16> steps{};
  for (unsigned i = 0; i < 16; ++i) steps[i] = static_cast<float>(2 * i + 1) * code_unit;
  return steps;
}();

/// The bytes of four points, one after the other.
template <class Order>
HWY_INLINE ByteVector points(std::uint64_t first, std::uint64_t second, std::uint64_t third,
                             std::uint64_t fourth) {
  const hn::FixedTag<std::uint64_t, 2> d;
  const auto pair = [d](std::uint64_t low, std::uint64_t high) HWY_ATTR {
    return hn::InterleaveLower(d, hn::Set(d, low), hn::Set(d, high));
  };
  const Longs longs;
  if constexpr (std::is_same_v<Order, ByHalves>) {
    return hn::BitCast(Bytes(), hn::Combine(longs, pair(second, fourth), pair(first, third)));
  } else {
    return arranged<Order>(
        hn::BitCast(Bytes(), hn::Combine(longs, pair(third, fourth), pair(first, second))));
  }
}

/// Magnitudes, made negative where a bit of `signs` is set.
template <class Order>
HWY_INLINE ByteVector with_signs(ByteVector magnitudes, std::uint32_t signs) {
  const auto negative = where_set<Order>(signs);
  return hn::Sub(hn::Xor(magnitudes, negative), negative);
}

/// iq_signs() of four codes, one a byte.
HWY_INLINE std::uint32_t four_signs(std::uint32_t codes) {
  std::uint32_t parity = codes ^ codes >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return codes | (parity & 0x01010101u) << 7;
}

/// The same of four codes of seven bits, one after the other.
HWY_INLINE std::uint32_t four_packed_signs(std::uint32_t codes) {
  return four_signs((codes & 0x7Fu) | (codes << 1 & 0x7F00u) | (codes << 2 & 0x7F0000u) |
                    (codes << 3 & 0x7F000000u));
}

struct Iq2Xxs {
  static constexpr Type type = Type::iq2_xxs;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 66;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float quarter = f16_field(block) * 0.25f;
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint8_t* codes = block + 2 + 8 * i;
      const std::uint32_t rest = u32_at(codes + 4);
      const auto magnitudes = points<Order>(iq2_xxs_grid[codes[0]], iq2_xxs_grid[codes[1]],
                                            iq2_xxs_grid[codes[2]], iq2_xxs_grid[codes[3]]);
      store_products<To>(with_signs<Order>(magnitudes, four_packed_signs(rest)),
                         Scaled(quarter * half_steps[rest >> 28]), to + run * i);
    }
  }
};

/// 32 elements of IQ2_XS or IQ2_S, which have a scale of four bits for each half.
template <class To>
HWY_INLINE void store_iq2(ByteVector codes, float quarter, unsigned scales,
                          typename To::Element* to) {
  store_products<To>(codes, Scaled(quarter * half_steps[scales & 15u]),
                     Scaled(quarter * half_steps[scales >> 4]), to);
}

struct Iq2Xs {
  static constexpr Type type = Type::iq2_xs;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 74;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float quarter = f16_field(block) * 0.25f;
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint32_t low = u32_at(block + 2 + 8 * i);
      const std::uint32_t high = u32_at(block + 6 + 8 * i);
      const auto magnitudes =
          points<Order>(iq2_xs_grid[low & 511u], iq2_xs_grid[low >> 16 & 511u],
                        iq2_xs_grid[high & 511u], iq2_xs_grid[high >> 16 & 511u]);
      const std::uint32_t sign_codes = (low >> 9 & 0x7Fu) | (low >> 17 & 0x7F00u) |
                                       (high << 7 & 0x7F0000u) | (high >> 1 & 0x7F000000u);
      store_iq2<To>(with_signs<Order>(magnitudes, four_signs(sign_codes)), quarter, block[66 + i],
                    to + run * i);
    }
  }
};

struct Iq2S {
  static constexpr Type type = Type::iq2_s;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 82;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float quarter = f16_field(block) * 0.25f;
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint8_t* codes = block + 2 + 4 * i;
      const unsigned high = block[66 + i];
      const auto magnitudes = points<Order>(
          iq2_s_grid[codes[0] | (high << 8 & 0x300u)], iq2_s_grid[codes[1] | (high << 6 & 0x300u)],
          iq2_s_grid[codes[2] | (high << 4 & 0x300u)], iq2_s_grid[codes[3] | (high << 2 & 0x300u)]);
      store_iq2<To>(with_signs<Order>(magnitudes, u32_at(block + 34 + 4 * i)), quarter,
                    block[74 + i], to + run * i);
    }
  }
};

/// The points of IQ3 with two codes after each other.
HWY_INLINE std::uint64_t two_points(std::uint32_t first, std::uint32_t second) {
  return std::uint64_t{second} << 32 | first;
}

struct Iq3Xxs {
  static constexpr Type type = Type::iq3_xxs;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 98;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float half = f16_field(block) * 0.5f;
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint8_t* codes = block + 2 + 8 * i;
      const auto pair = [codes](std::size_t at) {
        return two_points(iq3_xxs_grid[codes[at]], iq3_xxs_grid[codes[at + 1]]);
      };
      const std::uint32_t rest = u32_at(block + 66 + 4 * i);
      const auto magnitudes = points<Order>(pair(0), pair(2), pair(4), pair(6));
      store_products<To>(with_signs<Order>(magnitudes, four_packed_signs(rest)),
                         Scaled(half * half_steps[rest >> 28]), to + run * i);
    }
  }
};

struct Iq3S {
  static constexpr Type type = Type::iq3_s;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 110;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float scale = f16_field(block);
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint8_t* codes = block + 2 + 8 * i;
      const unsigned ninth = block[66 + i];
      const auto pair = [codes, ninth](unsigned at) {
        return two_points(iq3_s_grid[codes[at] | (ninth << (8 - at) & 256u)],
                          iq3_s_grid[codes[at + 1] | (ninth << (7 - at) & 256u)]);
      };
      const auto magnitudes = points<Order>(pair(0), pair(2), pair(4), pair(6));
      const unsigned own = block[106 + i / 2] >> 4 * (i % 2) & 15u;
      store_products<To>(with_signs<Order>(magnitudes, u32_at(block + 74 + 4 * i)),
                         Scaled(scale * odd_steps[own]), to + run * i);
    }
  }
};

struct Iq1S {
  static constexpr Type type = Type::iq1_s;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 50;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float eighth = f16_field(block) * 0.125f;
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint8_t* codes = block + 2 + 4 * i;
      const unsigned rest = u16_at(block + 34 + 2 * i);
      const auto digits = points<Order>(
          iq1_grid[codes[0] | (rest << 8 & 0x700u)], iq1_grid[codes[1] | (rest << 5 & 0x700u)],
          iq1_grid[codes[2] | (rest << 2 & 0x700u)], iq1_grid[codes[3] | (rest >> 1 & 0x700u)]);
      const auto delta = constant(rest & 0x8000u ? 0xFF : 0x01);
      const auto eighths = hn::Add(hn::And(moved_up<3>(digits), constant(0xF8)), delta);
      store_products<To>(eighths, Scaled(eighth * odd_steps[rest >> 12 & 7u]), to + run * i);
    }
  }
};

struct Iq1M {
  static constexpr Type type = Type::iq1_m;
  static constexpr std::size_t elements = iq_elements;
  static constexpr std::size_t bytes = 56;
  static bool finite(const std::uint8_t* block) {
    const unsigned highest = block[55] >> 4;
    const unsigned next = block[53] >> 4;
    return ((highest << 4 | next) & 0x7Cu) != 0x7Cu;
  }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    using Order = ProductsOrder<To>;
    const float eighth = scale_of(block) * 0.125f;
    for (std::size_t i = 0; i < elements / run; ++i) {
      const std::uint8_t* codes = block + 4 * i;
      const std::uint32_t rest = u16_at(block + 32 + 2 * i);
      const auto digits = points<Order>(
          iq1_grid[codes[0] | (rest << 8 & 0x700u)], iq1_grid[codes[1] | (rest << 4 & 0x700u)],
          iq1_grid[codes[2] | (rest & 0x700u)], iq1_grid[codes[3] | (rest >> 4 & 0x700u)]);
      const std::uint32_t below = (rest >> 3 & 1u) | (rest << 1 & 0x100u) | (rest << 5 & 0x10000u) |
                                  (rest << 9 & 0x1000000u);
      const auto delta = hn::Or(where_set<Order>(below * 0xFFu), constant(0x01));
      const auto eighths = hn::Add(hn::And(moved_up<3>(digits), constant(0xF8)), delta);
      const unsigned own = static_cast<unsigned>(u16_at(block + 48 + i / 2 * 2)) >> 6 * (i % 2);
      store_products<To>(eighths, Scaled(eighth * odd_steps[own & 7u]),
                         Scaled(eighth * odd_steps[own >> 3 & 7u]), to + run * i);
    }
  }

 private:
  static HWY_INLINE float scale_of(const std::uint8_t* block) {
    const unsigned low = (block[49] >> 4 & 0x0Fu) | (block[51] & 0xF0u);
    const unsigned high = (block[53] >> 4 & 0x0Fu) | (block[55] & 0xF0u);
    const std::uint8_t bits[2] = {static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(high)};
    return f16_field(bits);
  }
};

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void decode_iq_vectors(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                       std::byte* destination) {
#if HWY_TARGET <= HWY_AVX2
  if (decode_any_of<Iq1S, Iq1M, Iq2Xxs, Iq2Xs, Iq2S, Iq3Xxs, Iq3S>(type, blocks, count, dtype,
                                                                   destination)) {
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

HWY_EXPORT(decode_iq_vectors);

void decode_iq(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
               std::byte* destination) noexcept {
  HWY_DYNAMIC_DISPATCH(decode_iq_vectors)(type, blocks, count, dtype, destination);
}

}  // namespace plimsoll::codecs::ggml
#endif
