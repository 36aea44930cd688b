#include "codecs/ggml/encode.hpp"

#include <algorithm>
#include <array>

#include "codecs/ggml/encode_by_blocks.hpp"
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
    Encoder{Type::iq2_xxs, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq2_xs, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq3_xxs, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq1_s, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq4_nl, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq3_s, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq2_s, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq4_xs, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::iq1_m, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::tq1_0, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::tq2_0, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::mxfp4, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::nvfp4, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::q1_0, encode_by_blocks_scalar, encode_by_blocks},
    Encoder{Type::q2_0, encode_by_blocks_scalar, encode_by_blocks},
};

const Encoder& encoder_of(Type type) {
  return *std::ranges::find(encoders, type, &Encoder::type);
}

}  // namespace

void prepare_encoder(Type type) {
  prepare_blocks(type);
}

void encode(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encoder_of(type).vector(type, rows, blocks);
}

void encode_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encoder_of(type).scalar(type, rows, blocks);
}

}  // namespace plimsoll::codecs::ggml
