#include "codecs/ggml/k_encode.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/k_symmetric_encode.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_descent-inl.hpp"
#include "codecs/ggml/encode_symmetric-inl.hpp"
#include "codecs/ggml/k_batches-inl.hpp"

// Q3_K and Q6_K: sub-blocks of 16 elements with a scale. Super-blocks are made as those with minima
// are: first what the search finds for all sub-blocks of a batch, then one after the other.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_k_scalar(type, rows, blocks);
}

#else

constexpr std::size_t length = 16;
constexpr std::size_t count = super_elements / length;
constexpr std::size_t batch_subs = batch * count;
static_assert(lanes <= count);

/// What was found for every sub-block of a batch.
struct Found {
  alignas(64) float scale[batch_subs];
  alignas(64) float inverse[batch_subs];
  alignas(64) float wild[batch_subs];

  [[nodiscard]] HWY_INLINE SymmetricFound at(std::size_t sub) {
    return {scale + sub, inverse + sub, wild + sub};
  }
  [[nodiscard]] Scales<Q6KBlock> scales_of(std::size_t block) const {
    Scales<Q6KBlock> scales;
    std::copy_n(scale + block * count, count, scales.begin());
    return scales;
  }
};

HWY_INLINE bool any_set(const float* marks, std::size_t marked) {
  return std::any_of(marks, marks + marked, [](float mark) { return mark != 0; });
}

/// Codes as symmetric searches found them, for the inverse scale that they found.
template <class Block>
HWY_INLINE void code_as_found(float inverse, const float* elements, std::uint8_t* codes) {
  if (inverse == 0) {
    std::fill_n(codes, length, std::uint8_t{0});
    return;
  }
  for (std::size_t i = 0; i < length; i += lanes) {
    store_codes(hn::Mul(all(inverse), load(elements + i)), Block::least, Block::largest, codes + i);
  }
}

/// Codes for the scales that the block has by now.
template <class Block>
HWY_INLINE void code_block(const float* elements, const float* inverses, Block& block) {
  const Levels<Block> levels = levels_of(block);
  Codes codes;
  for (std::size_t sub = 0; sub < count; ++sub) {
    const float* its = elements + sub * length;
    if (levels[sub].step == 0) {
      code_as_found<Block>(inverses[sub], its, codes.data() + sub * length);
    } else {
      code_by<Block>(levels[sub], its, codes.data() + sub * length);
    }
  }
  pack(codes, block);
}

// ---- Q6_K ----

HWY_INLINE void encode_q6_k_batch(const Batch& now, Found& found, Q6KBlock* blocks) {
  for (std::size_t sub = 0; sub < now.count * count; sub += lanes) {
    alignas(64) float elements[length * lanes];
    alignas(64) float weights[length * lanes];
    transpose(now.elements + sub * length, length, length, elements);
    if (now.importance[0] != nullptr) {  // the lanes' sub-blocks are of one super-block
      transpose(now.importance[sub / count] + sub % count * length, length, length, weights);
    } else {
      for (std::size_t i = 0; i < length; ++i) {
        const auto x = load(elements + i * lanes);
        store(hn::Mul(x, x), weights + i * lanes);
      }
    }
    search_symmetric_lanes<length>(32, elements, weights, found.at(sub));
  }
  for (std::size_t i = 0; i < now.count; ++i) {
    if (any_set(found.wild + i * count, count)) {
      encode_k_block_scalar(Type::q6_k, now.block(i), now.importance[i],
                            reinterpret_cast<std::byte*>(blocks + i));
    } else if (store_symmetric_scales(found.scales_of(i), blocks[i])) {
      code_block(now.block(i), found.inverse + i * count, blocks[i]);
    }
  }
}

// ---- Q3_K ----

HWY_INLINE void encode_q3_k_batch(const Batch& now, Found& found, Q3KBlock* blocks) {
  alignas(64) float kept[batch_elements];
  for (std::size_t sub = 0; sub < now.count * count; sub += lanes) {
    alignas(64) float elements[length * lanes];
    transpose(now.elements + sub * length, length, length, elements);
    store(DescentLanes<length>(4, elements, kept + sub * length).search(), found.scale + sub);
  }
  for (std::size_t i = 0; i < now.count; ++i) {
    store_symmetric_scales(found.scales_of(i), blocks[i]);
    const Levels<Q3KBlock> levels = levels_of(blocks[i]);
    Codes codes;
    for (std::size_t sub = 0; sub < count; ++sub) {
      const std::size_t place = i * count + sub;
      std::uint8_t* to = codes.data() + sub * length;
      if (levels[sub].step != 0) {
        code_by<Q3KBlock>(levels[sub], now.block(i) + sub * length, to);
        continue;
      }
      for (std::size_t j = 0; j < length; ++j) {
        to[j] =
            static_cast<std::uint8_t>(kept[(place / lanes * length + j) * lanes + place % lanes]);
      }
    }
    pack(codes, blocks[i]);
  }
}

/// Sums of the weights of each of `lanes` sub-blocks.
HWY_INLINE FloatVector sums_of(const float* weights) {
  auto sum = hn::Zero(Floats());
  for (std::size_t i = 0; i < length; ++i) sum = hn::Add(sum, load(weights + i * lanes));
  return sum;
}

HWY_INLINE void encode_weighted_q3_k_batch(const Batch& now, Found& found, Q3KBlock* blocks) {
  alignas(64) float weights[batch_elements];
  alignas(64) float sum_w[batch_subs];
  importance_weights(now, 2, weights);
  for (std::size_t sub = 0; sub < now.count * count; sub += lanes) {
    alignas(64) float its_elements[length * lanes];
    alignas(64) float its_weights[length * lanes];
    transpose(now.elements + sub * length, length, length, its_elements);
    transpose(weights + sub * length, length, length, its_weights);
    store(sums_of(its_weights), sum_w + sub);
    search_symmetric_lanes<length>(4, its_elements, its_weights, found.at(sub));
  }

  // The scales of a super-block are searched for in a lane.
  alignas(64) float scales[batch_subs];
  alignas(64) float scale_weights[batch_subs];
  alignas(64) float d[lanes];
  alignas(64) float inverse[lanes];
  alignas(64) float wild[lanes];
  transpose(found.scale, count, count, scales);
  transpose(sum_w, count, count, scale_weights);
  search_symmetric_lanes<count>(32, scales, scale_weights, {d, inverse, wild});

  for (std::size_t i = 0; i < now.count; ++i) {
    if (wild[i] != 0 || any_set(found.wild + i * count, count)) {
      encode_k_block_scalar(Type::q3_k, now.block(i), now.importance[i],
                            reinterpret_cast<std::byte*>(blocks + i));
      continue;
    }
    ScaleCodes<Q3KBlock> codes;
    code_as_found<Q6KBlock>(inverse[i], found.scale + i * count, codes.data());
    store_symmetric_codes(d[i], codes, blocks[i]);
    code_block(now.block(i), found.inverse + i * count, blocks[i]);
  }
}

template <class Block, class EncodeBatch>
void encode_batches(const Rows& rows, std::byte* bytes, const EncodeBatch& encode_batch) {
  auto* blocks = reinterpret_cast<Block*>(bytes);
  Found found;
  for_each_batch(rows, [&](const Batch& now, std::size_t first)
                           HWY_ATTR { encode_batch(now, found, blocks + first); });
}

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  if (type == Type::q6_k) {
    encode_batches<Q6KBlock>(rows, blocks, encode_q6_k_batch);
  } else if (rows.importance == nullptr) {
    encode_batches<Q3KBlock>(rows, blocks, encode_q3_k_batch);
  } else {
    encode_batches<Q3KBlock>(rows, blocks, encode_weighted_q3_k_batch);
  }
}

#endif
}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void encode_k_symmetric_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_rows(type, rows, blocks);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_k_symmetric_rows);

void encode_k_symmetric(Type type, const Rows& rows, std::byte* blocks) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_k_symmetric_rows)(type, rows, blocks);
}

}  // namespace plimsoll::codecs::ggml
#endif
