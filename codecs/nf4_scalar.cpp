#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "codecs/float_bits.hpp"
#include "codecs/nf4.hpp"
#include "codecs/nf4_thresholds.hpp"
#include "codecs/scalar_source.hpp"

namespace plimsoll::codecs {
namespace {

unsigned count_below(const std::array<float, 15>& thresholds, float scaled) {
  unsigned code = 0;
  for (const float threshold : thresholds) code += scaled > threshold ? 1u : 0u;
  return code;
}

/// CUDA's fast mathematics: subnormal operands and results are zeros of their sign.
float flushed(float value) {
  return std::abs(value) < std::numeric_limits<float>::min() ? std::copysign(0.0f, value) : value;
}

/// A block as the CUDA kernel sees it. NaN never wins the maximum and is above no threshold; a
/// block without a normal number scales by 1/0, which makes NaN, hence code 0, of every zero.
struct CudaBlock {
  float absmax = 0.0f;
  float reciprocal = 0.0f;

  void see(float value) {
    const float magnitude = std::abs(flushed(value));
    if (magnitude > absmax) absmax = magnitude;
  }
  void finish(bool /*partial*/) { reciprocal = flushed(1.0f / absmax); }
  [[nodiscard]] unsigned code(float value) const {
    return count_below(nf4_cuda_thresholds, flushed(flushed(value) * reciprocal));
  }
  [[nodiscard]] unsigned pad_code() const { return code(0.0f); }
};

/// A block as the CPU backend sees it. NaN wins the maximum and sorts above every threshold. Only a
/// partial block is divided by its absmax, and stores the one that was divided by.
struct CpuBlock {
  float absmax = 0.0f;
  float scale = 0.0f;
  bool divides = false;

  void see(float value) {
    const float magnitude = std::abs(value);
    if (!(magnitude <= absmax) && absmax == absmax) absmax = magnitude;
  }
  void finish(bool partial) {
    const float divisor = absmax < nf4_cpu_absmax_floor ? nf4_cpu_absmax_floor : absmax;
    divides = partial;
    scale = partial ? divisor : 1.0f / divisor;
    if (partial) absmax = divisor;
  }
  [[nodiscard]] unsigned code(float value) const {
    const float scaled = divides ? value / scale : value * scale;
    return scaled != scaled
               ? 15u
               : count_below(nf4_cpu_thresholds, scaled);  // clamping to +-1 changes no code
  }
  /// Padding is put behind the scaled numbers, so that NaN as the scale does not reach it.
  [[nodiscard]] static unsigned pad_code() { return count_below(nf4_cpu_thresholds, 0.0f); }
};

template <class Source, class Block>
float quantize_block(const std::byte* source, std::size_t count, bool partial, std::byte* packed) {
  Block block;
  for (std::size_t i = 0; i < count; ++i) block.see(load<Source>(source, i));
  block.finish(partial);
  for (std::size_t i = 0; i < count; i += 2) {
    const unsigned high = block.code(load<Source>(source, i));
    const unsigned low = i + 1 < count ? block.code(load<Source>(source, i + 1)) : block.pad_code();
    packed[i / 2] = static_cast<std::byte>(high << 4 | low);
  }
  return block.absmax;
}

template <class Source>
void quantize(const std::byte* source, std::size_t count, Nf4Variant variant, std::size_t blocksize,
              std::byte* packed, float* absmax) {
  for (std::size_t start = 0; start < count; start += blocksize) {
    const std::size_t length = count - start < blocksize ? count - start : blocksize;
    const std::byte* block = source + start * sizeof(typename Source::Element);
    const auto one = variant == Nf4Variant::cuda ? quantize_block<Source, CudaBlock>
                                                 : quantize_block<Source, CpuBlock>;
    absmax[start / blocksize] = one(block, length, length < blocksize, packed + start / 2);
  }
}

}  // namespace

void nf4_quantize_scalar(Dtype dtype, const std::byte* source, std::size_t count,
                         Nf4Variant variant, std::uint32_t blocksize, std::byte* packed,
                         float* absmax) {
  switch (dtype) {
    case Dtype::f32:
      return quantize<F32Source>(source, count, variant, blocksize, packed, absmax);
    case Dtype::f16:
      return quantize<F16Source>(source, count, variant, blocksize, packed, absmax);
    default:
      return quantize<Bf16Source>(source, count, variant, blocksize, packed, absmax);
  }
}

}  // namespace plimsoll::codecs
