#include "codecs/nf4.hpp"

namespace plimsoll::codecs {
void nf4_quantize(Dtype dtype, const std::byte* source, std::size_t count, Nf4Variant variant,
                  std::uint32_t blocksize, std::byte* packed, float* absmax) {
  nf4_quantize_scalar(dtype, source, count, variant, blocksize, packed, absmax);
}
}  // namespace plimsoll::codecs
