#include "codecs/ggml/encode_by_blocks.hpp"

#include <algorithm>
#include <array>

#include "codecs/cast.hpp"
#include "codecs/ggml/encode_few_bits.hpp"
#include "codecs/ggml/encode_fp4.hpp"
#include "codecs/ggml/encode_iq1.hpp"
#include "codecs/ggml/encode_iq2.hpp"
#include "codecs/ggml/encode_iq3.hpp"
#include "codecs/ggml/encode_iq4.hpp"
#include "codecs/ggml/encode_table.hpp"
#include "codecs/ggml/encode_ternary.hpp"
#include "codecs/ggml/iq_neighbours.hpp"

namespace plimsoll::codecs::ggml {
namespace {

constexpr std::array encoders = {
    BlockEncoder{Type::iq2_xxs, encode_iq2_xxs_scalar, encode_iq2_xxs},
    BlockEncoder{Type::iq2_xs, encode_iq2_xs_scalar, encode_iq2_xs},
    BlockEncoder{Type::iq3_xxs, encode_iq3_xxs_scalar, encode_iq3_xxs},
    BlockEncoder{Type::iq1_s, encode_iq1_s_scalar, encode_iq1_s},
    BlockEncoder{Type::iq4_nl, encode_iq4_nl_scalar, encode_iq4_nl},
    BlockEncoder{Type::iq3_s, encode_iq3_s_scalar, encode_iq3_s},
    BlockEncoder{Type::iq2_s, encode_iq2_s_scalar, encode_iq2_s},
    BlockEncoder{Type::iq4_xs, encode_iq4_xs_scalar, encode_iq4_xs},
    BlockEncoder{Type::iq1_m, encode_iq1_m_scalar, encode_iq1_m},
    BlockEncoder{Type::tq1_0, encode_tq1_0_scalar, encode_tq1_0},
    BlockEncoder{Type::tq2_0, encode_tq2_0_scalar, encode_tq2_0},
    BlockEncoder{Type::mxfp4, encode_mxfp4_scalar, encode_mxfp4},
    BlockEncoder{Type::nvfp4, encode_nvfp4_scalar, encode_nvfp4},
    BlockEncoder{Type::q1_0, encode_q1_0_scalar, encode_q1_0},
    BlockEncoder{Type::q2_0, encode_q2_0_scalar, encode_q2_0},
};

const BlockEncoder& encoder_of(Type type) {
  return *std::ranges::find(encoders, type, &BlockEncoder::type);
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

void prepare_blocks(Type type) {
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

void encode_by_blocks(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encode_rows(type, rows, encoder_of(type).vector, cast, blocks);
}

void encode_by_blocks_scalar(Type type, const Rows& rows, std::byte* blocks) noexcept {
  encode_rows(type, rows, encoder_of(type).scalar, cast_scalar, blocks);
}

}  // namespace plimsoll::codecs::ggml
