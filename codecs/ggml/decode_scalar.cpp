#include <array>
#include <cstdint>

#include "codecs/cast.hpp"
#include "codecs/ggml/block_decoders.hpp"
#include "codecs/ggml/decode.hpp"

namespace plimsoll::codecs::ggml {
namespace {

using BlockDecoder = void (*)(const std::uint8_t* block, float* values) noexcept;

BlockDecoder block_decoder(Type type) noexcept {
  switch (type) {
    case Type::q4_0:
      return scalar::q4_0;
    case Type::q4_1:
      return scalar::q4_1;
    case Type::q5_0:
      return scalar::q5_0;
    case Type::q5_1:
      return scalar::q5_1;
    case Type::q8_0:
      return scalar::q8_0;
    case Type::q2_k:
      return scalar::q2_k;
    case Type::q3_k:
      return scalar::q3_k;
    case Type::q4_k:
      return scalar::q4_k;
    case Type::q5_k:
      return scalar::q5_k;
    case Type::q6_k:
      return scalar::q6_k;
    case Type::q8_k:
      return scalar::q8_k;
    case Type::iq1_s:
      return scalar::iq1_s;
    case Type::iq1_m:
      return scalar::iq1_m;
    case Type::iq2_xxs:
      return scalar::iq2_xxs;
    case Type::iq2_xs:
      return scalar::iq2_xs;
    case Type::iq2_s:
      return scalar::iq2_s;
    case Type::iq3_xxs:
      return scalar::iq3_xxs;
    case Type::iq3_s:
      return scalar::iq3_s;
    case Type::iq4_nl:
      return scalar::iq4_nl;
    case Type::iq4_xs:
      return scalar::iq4_xs;
    case Type::tq1_0:
      return scalar::tq1_0;
    case Type::tq2_0:
      return scalar::tq2_0;
    case Type::mxfp4:
      return scalar::mxfp4;
    case Type::nvfp4:
      return scalar::nvfp4;
    case Type::q1_0:
      return scalar::q1_0;
    case Type::q2_0:
      return scalar::q2_0;
    default:
      return nullptr;
  }
}

constexpr std::size_t largest_block = 256;  // elements

}  // namespace

bool can_decode(Type type) noexcept {
  return block_decoder(type) != nullptr;
}

void decode_scalar(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                   std::byte* destination) noexcept {
  const Traits& traits = traits_of(type);
  const BlockDecoder decode_block = block_decoder(type);
  std::array<float, largest_block> values;
  for (std::size_t i = 0; i < count; ++i) {
    decode_block(reinterpret_cast<const std::uint8_t*>(blocks), values.data());
    cast_scalar(Dtype::f32, reinterpret_cast<const std::byte*>(values.data()), dtype, destination,
                traits.block_elements);
    blocks += traits.block_bytes;
    destination += std::size_t{traits.block_elements} * bits_of(dtype) / 8;
  }
}

}  // namespace plimsoll::codecs::ggml
