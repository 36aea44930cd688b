#include "codecs/ggml/decode.hpp"

#include "codecs/ggml/vector_decoders.hpp"

namespace plimsoll::codecs::ggml {

void decode(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
            std::byte* destination) noexcept {
  switch (type) {
    case Type::q4_0:
    case Type::q4_1:
    case Type::q5_0:
    case Type::q5_1:
    case Type::q8_0:
      return decode_legacy(type, blocks, count, dtype, destination);
    case Type::q2_k:
    case Type::q3_k:
    case Type::q4_k:
    case Type::q5_k:
    case Type::q6_k:
    case Type::q8_k:
      return decode_k(type, blocks, count, dtype, destination);
    case Type::iq1_s:
    case Type::iq1_m:
    case Type::iq2_xxs:
    case Type::iq2_xs:
    case Type::iq2_s:
    case Type::iq3_xxs:
    case Type::iq3_s:
      return decode_iq(type, blocks, count, dtype, destination);
    case Type::iq4_nl:
    case Type::iq4_xs:
    case Type::mxfp4:
    case Type::nvfp4:
      return decode_four_bits(type, blocks, count, dtype, destination);
    default:
      return decode_few_bits(type, blocks, count, dtype, destination);
  }
}

}  // namespace plimsoll::codecs::ggml
