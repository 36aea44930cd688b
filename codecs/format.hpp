#pragma once

#include <cstdint>

#include "codecs/ggml/ftype.hpp"
#include "codecs/ggml/type.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs {

/// What becomes of an output tensor's numbers.
enum class FormatKind : std::uint8_t {
  keep,
  bf16,
  f16,
  f32,
  nf4,
  fp8_block,
  fp8_tensor,
  ggml,   ///< one of ggml's types of blocks
  ftype,  ///< of a whole model: llama-quantize decides on each tensor's type
};

/// Which of bitsandbytes' two backends NF4 follows; they differ in zero blocks, partial blocks,
/// subnormals and non-finite values (see codecs/nf4.hpp).
enum class Nf4Variant : std::uint8_t { cuda, cpu };

/// Whose arithmetic block-wise FP8 follows (see codecs/fp8.hpp).
enum class Fp8Recipe : std::uint8_t { finegrained, transformers, vllm };

/// How the scales of block-wise FP8 are stored: any fp32 number, or powers of two in one byte.
enum class Fp8Scale : std::uint8_t { f32, ue8m0 };

/// Rows and columns of the tiles of block-wise FP8.
inline constexpr std::uint32_t fp8_tile = 128;

/// A format with its parameters. Members that belong to one kind mean nothing for others and keep
/// their defaults there, so that equal formats compare equal.
struct Format {
  FormatKind kind = FormatKind::keep;
  Nf4Variant variant = Nf4Variant::cuda;
  std::uint32_t blocksize = 64;  ///< elements that share an absmax: a power of two, 32..4096
  Fp8Recipe recipe = Fp8Recipe::finegrained;  ///< fp8_block
  Fp8Scale scale = Fp8Scale::f32;             ///< fp8_block
  ggml::Type type = ggml::Type::f32;          ///< ggml
  ggml::Ftype ftype = ggml::Ftype::copy;      ///< ftype

  friend bool operator==(const Format&, const Format&) = default;
};

/// True for bf16, f16 and f32.
[[nodiscard]] constexpr bool is_cast(FormatKind kind) {
  return kind == FormatKind::bf16 || kind == FormatKind::f16 || kind == FormatKind::f32;
}

/// True for formats that store codes and scales in place of the numbers.
[[nodiscard]] constexpr bool is_quantized(FormatKind kind) {
  return kind == FormatKind::nf4 || kind == FormatKind::fp8_block ||
         kind == FormatKind::fp8_tensor || kind == FormatKind::ggml;
}

/// The dtype a cast produces. Only for is_cast(kind).
[[nodiscard]] constexpr Dtype cast_dtype(FormatKind kind) {
  return kind == FormatKind::bf16 ? Dtype::bf16 : kind == FormatKind::f16 ? Dtype::f16 : Dtype::f32;
}

/// The format that casts to the dtype; keep for dtypes that nothing is cast to.
[[nodiscard]] constexpr Format cast_to(Dtype dtype) {
  Format format;
  if (dtype == Dtype::bf16) format.kind = FormatKind::bf16;
  if (dtype == Dtype::f16) format.kind = FormatKind::f16;
  if (dtype == Dtype::f32) format.kind = FormatKind::f32;
  return format;
}

}  // namespace plimsoll::codecs
