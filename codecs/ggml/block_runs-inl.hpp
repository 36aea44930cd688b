// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_BLOCK_RUNS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_BLOCK_RUNS_INL_HPP
#undef PLIMSOLL_CODECS_GGML_BLOCK_RUNS_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_BLOCK_RUNS_INL_HPP
#endif

#include <hwy/highway.h>

#include "codecs/ggml/block_fields.hpp"
#include "codecs/ggml/decode.hpp"
#include "codecs/ggml/destinations-inl.hpp"

// What the vector decoders of all types share: fields of blocks, and the way through many of them.
// A Block is a type that knows a block's size, whether its scales are finite, and how to decode it.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET <= HWY_AVX2

/// An f16 of a block, widened by the machine.
HWY_INLINE float f16_field(const std::uint8_t* field) {
  const hn::FixedTag<hwy::float16_t, 8> d;
  const hn::FixedTag<std::uint16_t, 8> bits;
  const auto half = hn::BitCast(d, hn::Set(bits, u16_at(field)));
  return hn::GetLane(hn::PromoteTo(Floats(), half));
}

HWY_INLINE bool finite_f16(const std::uint8_t* field) {
  return (field[1] & 0x7C) != 0x7C;
}

template <class Block, class To>
void decode_run(const std::byte* blocks, std::size_t count, Dtype dtype, std::byte* destination) {
  auto* elements = reinterpret_cast<typename To::Element*>(destination);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* block = reinterpret_cast<const std::uint8_t*>(blocks);
    if (HWY_LIKELY(Block::finite(block))) {
      Block::template decode<To>(block, elements);
    } else {
      decode_scalar(Block::type, blocks, 1, dtype, reinterpret_cast<std::byte*>(elements));
    }
    blocks += Block::bytes;
    elements += Block::elements;
  }
}

template <class Block>
void decode_blocks(const std::byte* blocks, std::size_t count, Dtype dtype,
                   std::byte* destination) {
  const auto decode_to = dtype == Dtype::f32   ? decode_run<Block, ToF32>
                         : dtype == Dtype::f16 ? decode_run<Block, ToF16>
                                               : decode_run<Block, ToBf16>;
  decode_to(blocks, count, dtype, destination);
}

/// Decodes as the Block does that has this type, if one has.
template <class... Blocks>
bool decode_any_of(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
                   std::byte* destination) {
  return (
      (type == Blocks::type && (decode_blocks<Blocks>(blocks, count, dtype, destination), true)) ||
      ...);
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
