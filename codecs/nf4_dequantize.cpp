#include <array>

#include "codecs/float_bits.hpp"
#include "codecs/nf4.hpp"

namespace plimsoll::codecs {
namespace {

/// Decodes block by block: the sixteen numbers a block can hold are rounded once, then looked up.
template <class Element, class Narrow>
void dequantize(const std::byte* packed, const float* absmax, std::size_t count,
                std::size_t blocksize, Element* destination, Narrow narrow) {
  for (std::size_t start = 0; start < count; start += blocksize) {
    std::array<Element, 16> values;
    const float scale = absmax[start / blocksize];
    for (std::size_t code = 0; code < 16; ++code) values[code] = narrow(nf4_values[code] * scale);
    const std::size_t end = count - start < blocksize ? count : start + blocksize;
    std::size_t i = start;
    for (; i + 1 < end; i += 2) {
      const auto byte = std::to_integer<unsigned>(packed[i / 2]);
      destination[i] = values[byte >> 4];
      destination[i + 1] = values[byte & 15u];
    }
    if (i < end) destination[i] = values[std::to_integer<unsigned>(packed[i / 2]) >> 4];
  }
}

}  // namespace

void nf4_dequantize(const std::byte* packed, const float* absmax, std::size_t count,
                    std::uint32_t blocksize, Dtype dtype, std::byte* destination) {
  switch (dtype) {
    case Dtype::f32:
      return dequantize(packed, absmax, count, blocksize, reinterpret_cast<float*>(destination),
                        [](float value) { return value; });
    case Dtype::f16:
      return dequantize(packed, absmax, count, blocksize,
                        reinterpret_cast<std::uint16_t*>(destination), f16_from_f32);
    default:
      return dequantize(packed, absmax, count, blocksize,
                        reinterpret_cast<std::uint16_t*>(destination), bf16_from_f32);
  }
}

}  // namespace plimsoll::codecs
