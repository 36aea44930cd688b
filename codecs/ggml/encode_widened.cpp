#include "codecs/ggml/encode_widened.hpp"

#include <algorithm>
#include <array>

#include "codecs/cast.hpp"
#include "codecs/ggml/encode_few_bits.hpp"
#include "codecs/ggml/encode_fp4.hpp"
#include "codecs/ggml/encode_iq1.hpp"
#include "codecs/ggml/encode_iq2.hpp"
#include "codecs/ggml/encode_iq3.hpp"
#include "codecs/ggml/encode_iq4.hpp"
#include "codecs/ggml/encode_ternary.hpp"

namespace plimsoll::codecs::ggml {
namespace {

struct Encoder {
  Type type;
  EncodeBlocks scalar;
  EncodeBlocks vector;
};

constexpr std::array encoders = {
    Encoder{Type::iq2_xxs, encode_iq2_xxs_scalar, encode_iq2_xxs},
    Encoder{Type::iq2_xs, encode_iq2_xs_scalar, encode_iq2_xs},
    Encoder{Type::iq3_xxs, encode_iq3_xxs_scalar, encode_iq3_xxs},
    Encoder{Type::iq1_s, encode_iq1_s_scalar, encode_iq1_s},
    Encoder{Type::iq4_nl, encode_iq4_nl_scalar, encode_iq4_nl},
    Encoder{Type::iq3_s, encode_iq3_s_scalar, encode_iq3_s},
    Encoder{Type::iq2_s, encode_iq2_s_scalar, encode_iq2_s},
    Encoder{Type::iq4_xs, encode_iq4_xs_scalar, encode_iq4_xs},
    Encoder{Type::iq1_m, encode_iq1_m_scalar, encode_iq1_m},
    Encoder{Type::tq1_0, encode_tq1_0_scalar, encode_tq1_0},
    Encoder{Type::tq2_0, encode_tq2_0_scalar, encode_tq2_0},
    Encoder{Type::mxfp4, encode_mxfp4_scalar, encode_mxfp4},
    Encoder{Type::nvfp4, encode_nvfp4_scalar, encode_nvfp4},
    Encoder{Type::q1_0, encode_q1_0_scalar, encode_q1_0},
    Encoder{Type::q2_0, encode_q2_0_scalar, encode_q2_0},
};

const Encoder& encoder_of(Type type) {
  return *std::ranges::find(encoders, type, &Encoder::type);
}

/// Elements that are widened to f32 at a time: a whole number of blocks of every type.
constexpr std::size_t elements_at_once = 2048;

/// Consecutive elements, all of one row if they have importance.
struct Elements {
  Dtype dtype;
  const std::byte* source;
  std::size_t count;
  const float* importance;
};

void encode_elements(const Traits& traits, const Elements& elements, EncodeBlocks encode_blocks,
                     decltype(&cast) widen, std::byte* to) {
  if (elements.dtype == Dtype::f32) {
    const auto* numbers = reinterpret_cast<const float*>(elements.source);
    encode_blocks(numbers, elements.importance, elements.count / traits.block_elements, to);
    return;
  }
  alignas(64) std::array<float, elements_at_once> wide;
  const std::size_t width = bits_of(elements.dtype) / 8;
  for (std::size_t first = 0; first < elements.count; first += elements_at_once) {
    const std::size_t here = std::min(elements_at_once, elements.count - first);
    widen(elements.dtype, elements.source + first * width, Dtype::f32,
          reinterpret_cast<std::byte*>(wide.data()), here);
    const float* importance =
        elements.importance != nullptr ? elements.importance + first : nullptr;
    encode_blocks(wide.data(), importance, here / traits.block_elements,
                  to + first / traits.block_elements * traits.block_bytes);
  }
}

void encode_rows(Type type, const Rows& rows, EncodeBlocks encode_blocks, decltype(&cast) widen,
                 std::byte* blocks) {
  const Traits& traits = traits_of(type);
  if (rows.importance == nullptr || traits.importance == Importance::ignored) {
    const Elements all = {rows.dtype, rows.source, rows.count * rows.columns, nullptr};
    encode_elements(traits, all, encode_blocks, widen, blocks);
    return;
  }
  const std::size_t width = bits_of(rows.dtype) / 8;
  const std::size_t bytes = rows.columns / traits.block_elements * traits.block_bytes;
  for (std::size_t row = 0; row < rows.count; ++row) {
    const Elements one = {rows.dtype, rows.source + row * rows.columns * width, rows.columns,
                          rows.importance};
    encode_elements(traits, one, encode_blocks, widen, blocks + row * bytes);
  }
}

}  // namespace

void encode_widened(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encode_rows(type, rows, encoder_of(type).vector, cast, blocks);
}

void encode_widened_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encode_rows(type, rows, encoder_of(type).scalar, cast_scalar, blocks);
}

}  // namespace plimsoll::codecs::ggml
