#include "codecs/ggml/k_encode.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codecs/ggml/k_affine_encode.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "codecs/ggml/encode_affine-inl.hpp"
#include "codecs/ggml/encode_descent-inl.hpp"
#include "codecs/ggml/k_batches-inl.hpp"

// Q2_K, Q4_K and Q5_K: sub-blocks with a scale and a minimum.

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_k_scalar(type, rows, blocks);
}

#else

/// Weights of errors where no importance matrix says any, of elements in lanes.
template <std::size_t length>
HWY_INLINE void plain_weights(const float* elements, float* weights) {
  auto deviation = hn::Zero(Floats());
  if constexpr (length == 32) {
    for (std::size_t i = 0; i < length; ++i) {
      const auto x = load(elements + i * lanes);
      deviation = hn::Add(deviation, hn::Mul(x, x));
    }
    deviation = hn::Sqrt(hn::Div(deviation, all(length)));
  }
  for (std::size_t i = 0; i < length; ++i) {
    const auto magnitude = hn::Abs(load(elements + i * lanes));
    store(length == 32 ? hn::Add(deviation, magnitude) : magnitude, weights + i * lanes);
  }
}

/// Makes the super-blocks of a batch: of all their sub-blocks what the search finds, then one after
/// the other.
template <class Block, bool weighted>
class AffineBatch {
 public:
  explicit AffineBatch(Type type, const KSearch& search) : type_(type), search_(search) {}

  HWY_INLINE void encode(const Batch& now, Block* blocks) {
    if constexpr (weighted) importance_weights(now, search_.variance, weights_);
    for (std::size_t sub = 0; sub < now.count * count; sub += side_lanes) search(now, sub);
    if constexpr (weighted) quantize_scales();
    for (std::size_t i = 0; i < now.count; ++i) finish(now, i, blocks[i]);
  }

 private:
  static constexpr std::size_t length = Block::sub_elements;
  static constexpr std::size_t count = sub_blocks<Block>;
  static constexpr std::size_t batch_subs = batch * count;
  static constexpr bool absolute = length == 16 && !weighted;

  HWY_INLINE void search(const Batch& now, std::size_t sub) {
    alignas(64) float elements[length * side_lanes];
    alignas(64) float weights[length * side_lanes];
    for (std::size_t side = 0; side < sides; ++side) {
      const std::size_t first = (sub + side * lanes) * length;
      transpose(now.elements + first, length, length, elements + side * length * lanes);
      if constexpr (weighted) {
        transpose(weights_ + first, length, length, weights + side * length * lanes);
      } else {
        plain_weights<length>(elements + side * length * lanes, weights + side * length * lanes);
      }
    }
    search_affine_lanes<length, absolute>(
        weighted ? search_.weighted : search_.plain, elements, weights,
        {scale_ + sub, drop_ + sub, inverse_ + sub, origin_ + sub, sum_w_ + sub, wild_ + sub});
  }

  /// Scales, and minima, of a super-block are searched for in a lane.
  HWY_INLINE void quantize_scales() {
    alignas(64) float numbers[count * lanes];
    alignas(64) float weights[count * lanes];
    transpose(sum_w_, count, count, weights);
    transpose(scale_, count, count, numbers);
    search_positive_lanes(count, search_.scales, numbers, weights, scale_codes_, d_);
    transpose(drop_, count, count, numbers);
    search_positive_lanes(count, search_.scales, numbers, weights, drop_codes_, dmin_);
  }

  void store_scales(std::size_t index, Block& block) const {
    const std::size_t first = index * count;
    if constexpr (weighted) {
      ScaleCodes<Block> scales;
      ScaleCodes<Block> drops;
      for (std::size_t i = 0; i < count; ++i) {
        scales[i] = static_cast<std::uint8_t>(scale_codes_[i * lanes + index]);
        drops[i] = static_cast<std::uint8_t>(drop_codes_[i * lanes + index]);
      }
      store_affine_codes(d_[index], scales, dmin_[index], drops, block);
    } else {
      Scales<Block> scales;
      Scales<Block> drops;
      std::copy_n(scale_ + first, count, scales.begin());
      std::copy_n(drop_ + first, count, drops.begin());
      store_affine_scales(scales, drops, block);
    }
  }

  HWY_INLINE void finish(const Batch& now, std::size_t index, Block& block) const {
    const float* elements = now.block(index);
    const std::size_t first = index * count;
    if (std::any_of(wild_ + first, wild_ + first + count, [](float wild) { return wild != 0; })) {
      return encode_k_block_scalar(type_, elements, now.importance[index],
                                   reinterpret_cast<std::byte*>(&block));
    }
    store_scales(index, block);
    const Levels<Block> levels = levels_of(block);
    Codes codes;
    for (std::size_t sub = 0; sub < count; ++sub) {
      const float* its = elements + sub * length;
      if (levels[sub].step == 0) {
        code_as_found(first + sub, its, codes.data() + sub * length);
      } else {
        code_by<Block>(levels[sub], its, codes.data() + sub * length);
      }
    }
    pack(codes, block);
  }

  HWY_INLINE void code_as_found(std::size_t sub, const float* elements, std::uint8_t* codes) const {
    const auto inverse = all(inverse_[sub]);
    const auto origin = all(origin_[sub]);
    for (std::size_t i = 0; i < length; i += lanes) {
      const auto above = hn::Sub(load(elements + i), origin);
      store_codes(hn::Mul(inverse, above), Block::least, Block::largest, codes + i);
    }
  }

  Type type_;
  const KSearch& search_;
  alignas(64) float weights_[weighted ? batch_elements : 1];
  // What was found for every sub-block.
  alignas(64) float scale_[batch_subs];
  alignas(64) float drop_[batch_subs];
  alignas(64) float inverse_[batch_subs];
  alignas(64) float origin_[batch_subs];
  alignas(64) float sum_w_[batch_subs];
  alignas(64) float wild_[batch_subs];
  // Quantized scales, a super-block in every lane.
  alignas(64) float scale_codes_[weighted ? batch_subs : 1];
  alignas(64) float drop_codes_[weighted ? batch_subs : 1];
  alignas(64) float d_[lanes];
  alignas(64) float dmin_[lanes];
};

template <class Block, bool weighted>
void encode_batches(Type type, const KSearch& search, const Rows& rows, std::byte* bytes) {
  auto* blocks = reinterpret_cast<Block*>(bytes);
  AffineBatch<Block, weighted> maker(type, search);
  for_each_batch(rows, [&](const Batch& now, std::size_t first)
                           HWY_ATTR { maker.encode(now, blocks + first); });
}

template <class Block>
void encode_type(Type type, const KSearch& search, const Rows& rows, std::byte* blocks) {
  if (rows.importance != nullptr) {
    encode_batches<Block, true>(type, search, rows, blocks);
  } else {
    encode_batches<Block, false>(type, search, rows, blocks);
  }
}

void encode_rows(Type type, const Rows& rows, std::byte* blocks) {
  switch (type) {
    case Type::q2_k:
      return encode_type<Q2KBlock>(type, q2_k_search, rows, blocks);
    case Type::q4_k:
      return encode_type<Q4KBlock>(type, q4_k_search, rows, blocks);
    default:
      return encode_type<Q5KBlock>(type, q5_k_search, rows, blocks);
  }
}

#endif
}  // namespace

// Outside the unnamed namespace: the dispatch table takes its address from elsewhere.
void encode_k_affine_rows(Type type, const Rows& rows, std::byte* blocks) {
  encode_rows(type, rows, blocks);
}

}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plimsoll::codecs::ggml {

HWY_EXPORT(encode_k_affine_rows);

void encode_k_affine(Type type, const Rows& rows, std::byte* blocks) noexcept {
  HWY_DYNAMIC_DISPATCH(encode_k_affine_rows)(type, rows, blocks);
}

}  // namespace plimsoll::codecs::ggml
#endif
