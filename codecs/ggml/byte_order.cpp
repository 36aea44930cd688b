#include <algorithm>
#include <array>
#include <cstdint>

#include "codecs/ggml/decode.hpp"

namespace plimsoll::codecs::ggml {
namespace {

/// Consecutive numbers of a block: where the first lies, bytes of each, how many there are.
struct Field {
  std::uint16_t offset;
  std::uint16_t width;
  std::uint16_t count = 1;
};

/// No block has more than two runs of such fields; the rest of this is empty.
using Fields = std::array<Field, 2>;

/// Fields of more than a byte, other than bytes that ggml takes apart one by one wherever it runs,
/// like the scales of the K types.
Fields fields_of(Type type) noexcept {
  switch (type) {
    case Type::q4_0:
    case Type::q8_0:
    case Type::iq2_s:
    case Type::iq3_s:
    case Type::iq4_nl:
    case Type::q1_0:
    case Type::q2_0:
      return {{{0, 2}}};
    case Type::q4_1:
    case Type::q8_1:
    case Type::q4_k:
    case Type::q5_k:
    case Type::iq4_xs:
      return {{{0, 2, 2}}};
    case Type::q5_0:
      return {{{0, 2}, {2, 4}}};
    case Type::q5_1:
      return {{{0, 2, 2}, {4, 4}}};
    case Type::q2_k:
      return {{{80, 2, 2}}};
    case Type::q3_k:
      return {{{108, 2}}};
    case Type::q6_k:
      return {{{208, 2}}};
    case Type::q8_k:
      return {{{0, 4}, {260, 2, 16}}};
    case Type::iq1_s:
      return {{{0, 2}, {34, 2, 8}}};
    case Type::iq1_m:
      return {{{48, 2, 4}}};
    case Type::iq2_xxs:
      return {{{0, 2}, {2, 4, 16}}};
    case Type::iq2_xs:
      return {{{0, 2, 33}}};
    case Type::iq3_xxs:
      return {{{0, 2}, {66, 4, 8}}};
    case Type::tq1_0:
      return {{{52, 2}}};
    case Type::tq2_0:
      return {{{64, 2}}};
    case Type::mxfp4:
    case Type::nvfp4:
      return {};
    default:
      return {{{0, static_cast<std::uint16_t>(traits_of(type).block_bytes)}}};
  }
}

void reverse_each(Field field, std::byte* block) noexcept {
  std::byte* number = block + field.offset;
  for (unsigned i = 0; i < field.count; ++i, number += field.width) {
    std::reverse(number, number + field.width);
  }
}

}  // namespace

void swap_byte_order(Type type, std::byte* blocks, std::size_t count) noexcept {
  const Fields fields = fields_of(type);
  const std::size_t block_bytes = traits_of(type).block_bytes;
  for (std::size_t i = 0; i < count; ++i, blocks += block_bytes) {
    for (const Field& field : fields) reverse_each(field, blocks);
  }
}

}  // namespace plimsoll::codecs::ggml
