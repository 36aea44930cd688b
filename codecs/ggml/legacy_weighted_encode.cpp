#include <algorithm>
#include <array>

#include "codecs/cast.hpp"
#include "codecs/ggml/legacy_blocks.hpp"
#include "codecs/ggml/legacy_encode.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/legacy_weighted_encode.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_affine-inl.hpp"
#include "codecs/ggml/encode_block_lanes-inl.hpp"
#include "codecs/ggml/encode_symmetric-inl.hpp"

// Q4_0 to Q5_1 with importance: scales are searched for, with a block in every lane. Weights depend
// on the mean square of the whole row, so rows are read twice.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_legacy_scalar(type, rows, blocks);
}

#else

/// Blocks that are searched together.
constexpr std::size_t group = side_lanes;
constexpr std::size_t group_elements = group * legacy_elements;

/// `count` elements of the rows from `first` on, in the buffer if they are not fp32 in memory.
HWY_INLINE const float* widened(const Rows& rows, std::size_t first, std::size_t count,
                                float* buffer) {
  const std::byte* source = rows.source + first * (bits_of(rows.dtype) / 8);
  if (rows.dtype == Dtype::f32) return reinterpret_cast<const float*>(source);
  cast(rows.dtype, source, Dtype::f32, reinterpret_cast<std::byte*>(buffer), count);
  return buffer;
}

/// The mean squares of `lanes` rows from `first` on; beyond the last row, of that.
HWY_INLINE FloatVector mean_squares(const Rows& rows, std::size_t first) {
  constexpr std::size_t chunk = 8 * legacy_elements;
  alignas(64) float elements[chunk * lanes];
  alignas(64) float columns[chunk * lanes];
  auto sum = hn::Zero(Floats());
  for (std::size_t column = 0; column < rows.columns; column += chunk) {
    const std::size_t here = std::min(chunk, rows.columns - column);
    for (std::size_t i = 0; i < lanes; ++i) {
      const std::size_t row = std::min(first + i, rows.count - 1);
      float* to = elements + i * chunk;
      const float* from = widened(rows, row * rows.columns + column, here, to);
      if (from != to) std::copy_n(from, here, to);
    }
    transpose(elements, chunk, here, columns);
    for (std::size_t i = 0; i < here; ++i) {
      const auto x = load(columns + i * lanes);
      sum = hn::Add(sum, hn::Mul(x, x));
    }
  }
  return hn::Div(sum, all(static_cast<float>(rows.columns)));
}

/// What was found for a group of blocks.
struct Found {
  alignas(64) float scale[group];
  alignas(64) float drop[group];
  alignas(64) float inverse[group];
  alignas(64) float origin[group];
  alignas(64) float sum_w[group];
  alignas(64) float wild[group];
};

/// Blocks of a row, zeros in place of those that are missing from a full group.
struct Group {
  alignas(64) float elements[group_elements];
  alignas(64) float weights[group_elements];
  std::size_t count;  ///< of blocks

  HWY_INLINE void fill(const float* from, const float* importance, float mean_square,
                       std::size_t blocks) {
    count = blocks;
    for (std::size_t i = 0; i < blocks * legacy_elements; i += lanes) {
      const auto x = load(from + i);
      const auto deviation = hn::Sqrt(hn::Add(all(mean_square), hn::Mul(x, x)));
      store(x, elements + i);
      store(hn::Mul(load(importance + i), deviation), weights + i);
    }
    std::fill(elements + blocks * legacy_elements, elements + group_elements, 0.0f);
    std::fill(weights + blocks * legacy_elements, weights + group_elements, 0.0f);
  }
};

template <class Block>
HWY_INLINE void search(const Group& now, Found& found) {
  constexpr std::size_t length = legacy_elements;
  alignas(64) float elements[group_elements];
  alignas(64) float weights[group_elements];
  for (std::size_t first = 0; first < group; first += lanes) {
    transpose(now.elements + first * length, length, length, elements + first * length);
    transpose(now.weights + first * length, length, length, weights + first * length);
  }
  if constexpr (Block::has_minimum) {
    search_affine_lanes<length, false>(
        legacy_search<Block>, elements, weights,
        {found.scale, found.drop, found.inverse, found.origin, found.sum_w, found.wild});
  } else {
    for (std::size_t first = 0; first < now.count; first += lanes) {
      search_symmetric_lanes<length>(
          1 << (Block::bits - 1), elements + first * length, weights + first * length,
          {found.scale + first, found.inverse + first, found.wild + first});
    }
  }
}

template <class Block>
HWY_INLINE void finish(const float* elements, const Found& found, std::size_t index, Block& block) {
  constexpr int half = 1 << (Block::bits - 1);
  constexpr int least = Block::has_minimum ? 0 : -half;
  const float inverse = found.inverse[index];
  LegacyCodes codes{};
  for (std::size_t i = 0; i < legacy_elements && inverse != 0; i += lanes) {
    auto x = load(elements + i);
    if constexpr (Block::has_minimum) x = hn::Sub(x, all(found.origin[index]));
    store_codes(hn::Mul(all(inverse), x), least, least + 2 * half - 1, codes.data() + i);
  }
  store_f16(found.scale[index], block.d);
  if constexpr (Block::has_minimum) store_f16(-found.drop[index], block.minimum);
  pack(codes, block);
}

template <class Block>
void encode_row(Type type, const Rows& rows, std::size_t row, float mean_square, Block* blocks) {
  constexpr std::size_t block_elements = legacy_elements;
  alignas(64) float buffer[group_elements];
  Group now;
  Found found;
  for (std::size_t column = 0; column < rows.columns; column += group_elements) {
    const std::size_t here = std::min(group_elements, rows.columns - column);
    const float* importance = rows.importance + column;
    now.fill(widened(rows, row * rows.columns + column, here, buffer), importance, mean_square,
             here / block_elements);
    search<Block>(now, found);
    for (std::size_t i = 0; i < now.count; ++i) {
      Block& block = blocks[column / block_elements + i];
      const float* elements = now.elements + i * block_elements;
      if (found.wild[i] != 0) {
        encode_legacy_block_scalar(type, elements, importance + i * block_elements, mean_square,
                                   reinterpret_cast<std::byte*>(&block));
      } else {
        finish(elements, found, i, block);
      }
    }
  }
}

template <class Block>
void encode_type(Type type, const Rows& rows, std::byte* bytes) {
  auto* blocks = reinterpret_cast<Block*>(bytes);
  for (std::size_t first = 0; first < rows.count; first += lanes) {
    alignas(64) float mean_square[lanes];
    store(mean_squares(rows, first), mean_square);
    for (std::size_t row = first; row < std::min(first + lanes, rows.count); ++row) {
      encode_row(type, rows, row, mean_square[row - first],
                 blocks + row * (rows.columns / legacy_elements));
    }
  }
}

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  switch (type) {
    case Type::q4_0:
      return encode_type<Q4_0Block>(type, rows, blocks);
    case Type::q4_1:
      return encode_type<Q4_1Block>(type, rows, blocks);
    case Type::q5_0:
      return encode_type<Q5_0Block>(type, rows, blocks);
    default:
      return encode_type<Q5_1Block>(type, rows, blocks);
  }
}

#endif
}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void encode_legacy_weighted_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_rows(type, rows, blocks);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_legacy_weighted_rows);

void encode_legacy_weighted(Type type, const Rows& rows, std::byte* blocks) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_legacy_weighted_rows)(type, rows, blocks);
}

}  // namespace plimsoll::codecs::ggml
#endif
