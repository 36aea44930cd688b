#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cli/synth_shapes.hpp"

namespace plimsoll::cli {

/// Values of a tensor are made chunk by chunk, each from a random stream of its own.
inline constexpr std::size_t synth_chunk_values = 32768;

/// What tells one tensor's numbers from another's: hashes the seed and the name.
[[nodiscard]] std::uint64_t synth_stream(std::uint64_t seed, std::string_view tensor) noexcept;

/// Fills `out` with BF16 values (of weights, norms or scales) from the start of chunk `first_chunk`
/// on. The same arguments give the same bytes on every machine: integer arithmetic draws from a
/// table of 65,536 quantiles (which is made, once a process, of additions and multiplications of
/// doubles). Any thread; about half a nanosecond a value.
void fill_synth_values(SynthValues values, std::uint64_t stream, std::uint64_t first_chunk,
                       std::span<std::uint16_t> out);

/// The same for F32: the upper halves are those BF16 values, the lower ones random bits.
void fill_synth_values(SynthValues values, std::uint64_t stream, std::uint64_t first_chunk,
                       std::span<float> out);

/// The same for codes of F8_E4M3: every one that is a number is as likely, and none is a NaN.
void fill_synth_codes(std::uint64_t stream, std::uint64_t first_chunk, std::span<std::uint8_t> out);

}  // namespace plimsoll::cli
