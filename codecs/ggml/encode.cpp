#include "codecs/ggml/encode.hpp"

#include <algorithm>
#include <array>

#include "codecs/ggml/encode_widened.hpp"
#include "codecs/ggml/iq_neighbours.hpp"
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
    Encoder{Type::iq2_xxs, encode_widened_scalar, encode_widened},
    Encoder{Type::iq2_xs, encode_widened_scalar, encode_widened},
    Encoder{Type::iq3_xxs, encode_widened_scalar, encode_widened},
    Encoder{Type::iq1_s, encode_widened_scalar, encode_widened},
    Encoder{Type::iq4_nl, encode_widened_scalar, encode_widened},
    Encoder{Type::iq3_s, encode_widened_scalar, encode_widened},
    Encoder{Type::iq2_s, encode_widened_scalar, encode_widened},
    Encoder{Type::iq4_xs, encode_widened_scalar, encode_widened},
    Encoder{Type::iq1_m, encode_widened_scalar, encode_widened},
    Encoder{Type::tq1_0, encode_widened_scalar, encode_widened},
    Encoder{Type::tq2_0, encode_widened_scalar, encode_widened},
    Encoder{Type::mxfp4, encode_widened_scalar, encode_widened},
    Encoder{Type::nvfp4, encode_widened_scalar, encode_widened},
    Encoder{Type::q1_0, encode_widened_scalar, encode_widened},
    Encoder{Type::q2_0, encode_widened_scalar, encode_widened},
};

const Encoder& encoder_of(Type type) {
  return *std::ranges::find(encoders, type, &Encoder::type);
}

}  // namespace

void prepare_encoder(Type type) {
  switch (type) {
    case Type::iq2_xxs:
      IqNeighbours::iq2_xxs();
      break;
    case Type::iq2_xs:
      IqNeighbours::iq2_xs();
      break;
    case Type::iq2_s:
      IqNeighbours::iq2_s();
      break;
    case Type::iq3_xxs:
      IqNeighbours::iq3_xxs();
      break;
    case Type::iq3_s:
      IqNeighbours::iq3_s();
      break;
    case Type::iq1_s:
    case Type::iq1_m:
      IqNeighbours::iq1();
      break;
    default:
      break;
  }
}

void encode(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encoder_of(type).vector(type, rows, blocks);
}

void encode_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encoder_of(type).scalar(type, rows, blocks);
}

}  // namespace plimsoll::codecs::ggml
