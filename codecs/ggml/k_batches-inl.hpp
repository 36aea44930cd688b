// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_K_BATCHES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_K_BATCHES_INL_HPP
#undef PLIMSOLL_CODECS_GGML_K_BATCHES_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_K_BATCHES_INL_HPP
#endif

#include <algorithm>
#include <array>

#include "codecs/cast.hpp"
#include "codecs/ggml/encode_block_lanes-inl.hpp"
#include "codecs/ggml/k_blocks.hpp"
#include "codecs/ggml/k_encode.hpp"

// Super-blocks are made in batches of as many as there are lanes, so that what is done once in a
// super-block fills vectors too.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

constexpr std::size_t batch = lanes;
constexpr std::size_t batch_elements = batch * super_elements;

/// Super-blocks in fp32, one after the other, and zeros in place of those that are missing from a
/// full batch.
struct Batch {
  const float* elements;
  std::size_t count;
  std::array<const float*, batch> importance;  ///< of each super-block, or null

  [[nodiscard]] const float* block(std::size_t index) const {
    return elements + index * super_elements;
  }
};

/// Calls `encode_batch` with every batch of the rows and the number of its first super-block.
template <class EncodeBatch>
HWY_INLINE void for_each_batch(const Rows& rows, const EncodeBatch& encode_batch) {
  alignas(64) float widened[batch_elements];
  const std::size_t row_blocks = rows.columns / super_elements;
  const std::size_t total = rows.count * row_blocks;
  for (std::size_t first = 0; first < total; first += batch) {
    Batch now{widened, std::min(batch, total - first), {}};
    const std::byte* source = rows.source + first * super_elements * (bits_of(rows.dtype) / 8);
    if (rows.dtype == Dtype::f32 && now.count == batch) {
      now.elements = reinterpret_cast<const float*>(source);
    } else {
      const std::size_t count = now.count * super_elements;
      cast(rows.dtype, source, Dtype::f32, reinterpret_cast<std::byte*>(widened), count);
      std::fill(widened + count, widened + batch_elements, 0.0f);
    }
    if (rows.importance != nullptr) {
      for (std::size_t i = 0; i < now.count; ++i) {
        now.importance[i] = rows.importance + (first + i) % row_blocks * super_elements;
      }
    }
    encode_batch(now, first);
  }
}

/// The sum of squares of every super-block, in its order, one a lane.
HWY_INLINE FloatVector sums_of_squares(const Batch& now) {
  constexpr std::size_t chunk = 32;
  alignas(64) float columns[chunk * lanes];
  auto sum = hn::Zero(Floats());
  for (std::size_t from = 0; from < super_elements; from += chunk) {
    transpose(now.elements + from, super_elements, chunk, columns);
    for (std::size_t i = 0; i < chunk; ++i) {
      const auto x = load(columns + i * lanes);
      sum = hn::Add(sum, hn::Mul(x, x));
    }
  }
  return sum;
}

/// Importance, times what elements are against the variance of their super-block; `factor` times
/// the mean square is that.
HWY_NOINLINE void importance_weights(const Batch& now, float factor, float* weights) {
  alignas(64) float variances[lanes];
  store(hn::Div(hn::Mul(all(factor), sums_of_squares(now)), all(super_elements)), variances);
  for (std::size_t block = 0; block < now.count; ++block) {
    const auto variance = all(variances[block]);
    for (std::size_t i = 0; i < super_elements; i += lanes) {
      const auto x = load(now.block(block) + i);
      const auto deviation = hn::Sqrt(hn::Add(variance, hn::Mul(x, x)));
      store(hn::Mul(load(now.importance[block] + i), deviation),
            weights + block * super_elements + i);
    }
  }
  std::fill(weights + now.count * super_elements, weights + batch_elements, 0.0f);
}

/// Codes of a sub-block from its scale, once that is known.
template <class Block>
HWY_INLINE void code_by(const Level& level, const float* elements, std::uint8_t* codes) {
  const auto step = all(level.step);
  const auto offset = all(level.offset);
  for (std::size_t i = 0; i < Block::sub_elements; i += lanes) {
    store_codes(hn::Div(hn::Add(load(elements + i), offset), step), Block::least, Block::largest,
                codes + i);
  }
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
