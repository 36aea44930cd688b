#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/format.hpp"

namespace plimsoll::codecs {

/// bitsandbytes' NF4: the value of each 4-bit code, times the absmax of its block.
/// Source: bitsandbytes, the `nf4` code book (stored with every tensor as `quant_map`).
inline constexpr std::array<float, 16> nf4_values = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

/// Quantizes `count` consecutive elements of a flattened tensor, from the start of a block.
///
/// `source`: `count` elements of f32, f16 or bf16 (nothing else), aligned to their size.
/// `packed`: (count + 1) / 2 bytes, the first element of a pair in the high nibble; an odd count
/// ends in a pad nibble. `absmax`: ceil(count / blocksize) floats. A partial block is only allowed
/// at the end of the tensor, where the cpu variant treats it differently.
/// The result equals bitsandbytes' for the given variant byte for byte. No allocation; reads every
/// element once or twice. `source` and the outputs must not overlap. Safe from any thread.
void nf4_quantize(Dtype dtype, const std::byte* source, std::size_t count, Nf4Variant variant,
                  std::uint32_t blocksize, std::byte* packed, float* absmax);

/// The same bytes from plain scalar code: the definition that nf4_quantize is tested against.
void nf4_quantize_scalar(Dtype dtype, const std::byte* source, std::size_t count,
                         Nf4Variant variant, std::uint32_t blocksize, std::byte* packed,
                         float* absmax);

/// Decodes `count` elements to f32, f16 or bf16: fl(value * absmax) in f32, then one rounding.
void nf4_dequantize(const std::byte* packed, const float* absmax, std::size_t count,
                    std::uint32_t blocksize, Dtype dtype, std::byte* destination);

}  // namespace plimsoll::codecs
