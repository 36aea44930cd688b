#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/fp4_scales.hpp"
#include "codecs/ggml/iq_grids.hpp"
#include "codecs/ggml/vector_decoders.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/decode_four_bits.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/block_runs-inl.hpp"
#include "codecs/ggml/lookup-inl.hpp"
#include "codecs/ggml/products-inl.hpp"
#include "codecs/ggml/sub_scales-inl.hpp"

// The types whose codes stand for sixteen numbers that lie on no line: IQ4 and FP4.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX2

/// Sixteen numbers, apart for the look-up.
struct SixteenNumbers {
  alignas(32) std::array<float, 8> even;
  alignas(32) std::array<float, 8> odd;

  explicit constexpr SixteenNumbers(const std::array<std::int8_t, 16>& numbers) : even{}, odd{} {
    for (std::size_t i = 0; i < 8; ++i) {
      even[i] = numbers[2 * i];
      odd[i] = numbers[2 * i + 1];
    }
  }

  template <class To>
  [[nodiscard]] HWY_INLINE Lookup<To> times(float scale) const {
    const Floats d;
    const Scaled map(scale);
    return {map(hn::Load(d, even.data())), map(hn::Load(d, odd.data()))};
  }
};

constexpr SixteenNumbers iq4_numbers(iq4_values);
constexpr SixteenNumbers fp4_numbers(fp4_doubled);

struct Iq4Nl {
  static constexpr Type type = Type::iq4_nl;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 18;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto lookup = iq4_numbers.times<To>(f16_field(block));
    lookup.store(nibbles<typename Lookup<To>::Order, 16>(block + 2), to);
  }
};

struct Iq4Xs {
  static constexpr Type type = Type::iq4_xs;
  static constexpr std::size_t elements = 256;
  static constexpr std::size_t bytes = 136;
  static bool finite(const std::uint8_t* block) { return finite_f16(block); }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    alignas(32) float scales[8];
    const std::uint64_t codes = spread<4>(u32_at(block + 4)) | spread<2>(u16_at(block + 2)) << 4;
    store_scales(codes, 32, f16_field(block), scales);
    for (std::size_t sub = 0; sub < 8; ++sub) {
      const auto lookup = iq4_numbers.times<To>(scales[sub]);
      lookup.store(nibbles<typename Lookup<To>::Order, 16>(block + 8 + 16 * sub), to + 32 * sub);
    }
  }

 private:
  /// Eight numbers of a few bits, one a byte.
  template <unsigned bits>
  static HWY_INLINE std::uint64_t spread(std::uint64_t packed) {
    constexpr std::uint64_t ones = 0x0101010101010101u * ((1u << bits) - 1);
    packed = (packed | packed << (32 - 4 * bits)) & ((1ull << 4 * bits) - 1) * 0x100000001u;
    packed = (packed | packed << (16 - 2 * bits)) & ((1ull << 2 * bits) - 1) * 0x1000100010001u;
    return (packed | packed << (8 - bits)) & ones;
  }
};

struct Mxfp4 {
  static constexpr Type type = Type::mxfp4;
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 17;
  static bool finite(const std::uint8_t* /*block*/) { return true; }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto lookup = fp4_numbers.times<To>(e8m0_halved(block[0]));
    lookup.store(nibbles<typename Lookup<To>::Order, 16>(block + 1), to);
  }
};

/// Sixteen numbers for sixteen elements: no look-up pays.
struct Nvfp4 {
  static constexpr Type type = Type::nvfp4;
  static constexpr std::size_t elements = 64;
  static constexpr std::size_t bytes = 36;
  static bool finite(const std::uint8_t* /*block*/) { return true; }

  template <class To>
  static HWY_INLINE void decode(const std::uint8_t* block, typename To::Element* to) {
    const auto* doubled = reinterpret_cast<const std::uint8_t*>(fp4_doubled.data());
    const auto numbers = hn::LoadDup128(Bytes(), doubled);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto codes = nibbles<ProductsOrder<To>, 8>(block + 4 + 16 * i);
      store_products<To>(hn::TableLookupBytes(numbers, codes), Scaled(scales[block[2 * i]]),
                         Scaled(scales[block[2 * i + 1]]), to + run * i);
    }
  }

 private:
  static constexpr std::array<float, 256> scales = [] {
    std::array<float, 256> table{};
    for (unsigned code = 0; code < 256; ++code) {
      table[code] = ue4m3_halved(static_cast<std::uint8_t>(code)) * code_unit;
    }
    return table;
  }();
};

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void decode_four_bits_vectors(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                              std::byte* destination) {
#if HWY_TARGET <= HWY_AVX2
  if (decode_any_of<Iq4Nl, Iq4Xs, Mxfp4, Nvfp4>(type, blocks, count, dtype, destination)) {
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

HWY_EXPORT(decode_four_bits_vectors);

void decode_four_bits(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                      std::byte* destination) noexcept {
  HWY_DYNAMIC_DISPATCH(decode_four_bits_vectors)(type, blocks, count, dtype, destination);
}

}  // namespace plimsoll::codecs::ggml
#endif
