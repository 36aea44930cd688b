#include "codecs/ggml/encode.hpp"

#include <algorithm>
#include <array>

#include "codecs/ggml/k_encode.hpp"
#include "codecs/ggml/legacy_encode.hpp"

namespace plimsoll::codecs::ggml {
namespace {

/// Who makes the blocks of a type: plain scalar code, and the same in vectors.
struct Encoder {
  Type type;
  void (*scalar)(Type type, const Rows& rows, std::byte* blocks) noexcept;
  void (*vector)(Type type, const Rows& rows, std::byte* blocks) noexcept;
};

constexpr std::array encoders = {
    Encoder{Type::q4_0, encode_legacy_scalar, encode_legacy},
    Encoder{Type::q4_1, encode_legacy_scalar, encode_legacy},
    Encoder{Type::q5_0, encode_legacy_scalar, encode_legacy},
    Encoder{Type::q5_1, encode_legacy_scalar, encode_legacy},
    Encoder{Type::q8_0, encode_legacy_scalar, encode_legacy},
    Encoder{Type::q2_k, encode_k_scalar, encode_k_affine},
    Encoder{Type::q3_k, encode_k_scalar, encode_k_symmetric},
    Encoder{Type::q4_k, encode_k_scalar, encode_k_affine},
    Encoder{Type::q5_k, encode_k_scalar, encode_k_affine},
    Encoder{Type::q6_k, encode_k_scalar, encode_k_symmetric},
};

const Encoder& encoder_of(Type type) {
  return *std::ranges::find(encoders, type, &Encoder::type);
}

}  // namespace

void prepare_encoder(Type /*type*/) {}

void encode(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encoder_of(type).vector(type, rows, blocks);
}

void encode_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encoder_of(type).scalar(type, rows, blocks);
}

}  // namespace plimsoll::codecs::ggml
