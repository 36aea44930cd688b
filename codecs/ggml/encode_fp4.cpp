#include "codecs/ggml/encode_fp4.hpp"

#include <algorithm>
#include <bit>

#include "codecs/ggml/encode_fields.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/encode_fp4.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_lanes-inl.hpp"

// The nearest number is found by comparison with the middles between numbers; a number in the
// middle belongs to the lesser one, whose code comes first. With the scales that are left to this
// code middles times scale are exact, and so are the errors that the definition compares where they
// are nearly equal. The other blocks, among them those with NaN or infinity, go to the scalar code.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void mxfp4_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  encode_mxfp4_scalar(elements, nullptr, blocks, to);
}
void nvfp4_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  encode_nvfp4_scalar(elements, nullptr, blocks, to);
}

#else

/// The middles between the numbers, times a scale.
class Middles {
 public:
  explicit Middles(float half_scale) {
    const Floats d;
    for (std::size_t i = 0; i < 7; ++i) {
      const float middle = 0.5f * (fp4_doubles[i] + fp4_doubles[i + 1]);
      middle_[i] = hn::Mul(hn::Set(d, middle), hn::Set(d, half_scale));
    }
  }

  [[nodiscard]] HWY_INLINE IntVector codes(FloatVector elements) const {
    const Floats d;
    const Ints di;
    const auto magnitudes = hn::Abs(elements);
    auto codes = hn::Zero(di);
    for (const auto& middle : middle_) codes = hn::Sub(codes, as_int(hn::Gt(magnitudes, middle)));
    // The sign is bit 3, but zero has none.
    const auto negative = hn::And(as_int(hn::Lt(elements, hn::Neg(middle_[0]))), hn::Set(di, 8));
    return hn::Or(codes, negative);
  }

  /// The low nibbles are those of the first half.
  HWY_INLINE void pack(const float* elements, std::size_t count, std::byte* to) const {
    const Floats d;
    for (std::size_t i = 0; i < count / 2; i += lanes) {
      const auto low = codes(hn::LoadU(d, elements + i));
      const auto high = codes(hn::LoadU(d, elements + count / 2 + i));
      store_bytes(hn::Or(low, hn::ShiftLeft<4>(high)), to + i);
    }
  }

 private:
  FloatVector middle_[7];
};

/// Magnitudes from 2^-100 to 2^120 whose logarithm does not round up to that of the next power of
/// two: see mxfp4_exponent().
bool ordinary(std::uint32_t bits) {
  constexpr std::uint32_t rounded_up = 64;  // ulps below a power of two, or fewer
  return bits >= 27u << 23 && bits < 247u << 23 && (bits & 0x7FFFFFu) < 0x800000u - rounded_up;
}

void mxfp4_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  for (std::size_t block = 0; block < blocks;
       ++block, elements += mxfp4_elements, to += mxfp4_bytes) {
    const std::uint32_t largest = largest_bits(elements, mxfp4_elements);
    if (!ordinary(largest)) {
      encode_mxfp4_scalar(elements, nullptr, 1, to);
      continue;
    }
    const std::uint32_t exponent = (largest >> 23) - 2;
    store_u8(to, exponent);
    Middles(std::bit_cast<float>((exponent - 1) << 23)).pack(elements, mxfp4_elements, to + 1);
  }
}

void nvfp4_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  constexpr std::size_t part = nvfp4_elements_of_scale;
  constexpr std::size_t parts = nvfp4_elements / part;
  constexpr float very_large = 1048576.0f;  // errors of several numbers may round to the same
  for (std::size_t block = 0; block < blocks;
       ++block, elements += nvfp4_elements, to += nvfp4_bytes) {
    if (largest_bits(elements, nvfp4_elements) >= std::bit_cast<std::uint32_t>(very_large)) {
      encode_nvfp4_scalar(elements, nullptr, 1, to);
      continue;
    }
    for (std::size_t i = 0; i < parts; ++i) {
      const float* from = elements + i * part;
      std::byte* codes = to + parts + i * part / 2;
      const std::uint8_t scale = nvfp4_scale(std::bit_cast<float>(largest_bits(from, part)));
      store_u8(to + i, scale);
      if (scale == 0) {
        std::fill_n(codes, part / 2, std::byte{0});
      } else {
        Middles(nvfp4_half_scale(scale)).pack(from, part, codes);
      }
    }
  }
}

#endif

}  // namespace

// Outside the unnamed namespace: the dispatch table takes their addresses from elsewhere.
void encode_mxfp4_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  mxfp4_blocks(elements, blocks, to);
}
void encode_nvfp4_blocks(const float* elements, std::size_t blocks, std::byte* to) {
  nvfp4_blocks(elements, blocks, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_mxfp4_blocks);
HWY_EXPORT(encode_nvfp4_blocks);

void encode_mxfp4(const float* elements, const float* /*importance*/, std::size_t blocks,
                  std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_mxfp4_blocks)(elements, blocks, to);
}

void encode_nvfp4(const float* elements, const float* /*importance*/, std::size_t blocks,
                  std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_nvfp4_blocks)(elements, blocks, to);
}

}  // namespace plimsoll::codecs::ggml
#endif
