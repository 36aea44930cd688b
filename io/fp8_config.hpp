#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// What config.json says about a checkpoint whose linear weights are E4M3 with multipliers beside
/// them, as transformers' fine-grained FP8 reads it.
struct Fp8Config {
  /// Rows and columns of a tile; nothing: one multiplier a tensor, and null is written.
  std::optional<std::array<std::uint32_t, 2>> weight_block_size;
  /// "ue8m0" for powers of two in one byte; nothing for fp32, which is the readers' default.
  std::optional<std::string> scale_fmt;
  /// Modules whose weight was left as it was (no ".weight" at the end); any order, written sorted.
  /// None: null is written, and readers fall back to their own default.
  std::vector<std::string> modules_to_not_convert;
};

/// `source` (the text of a config.json) with this `quantization_config`, keys sorted. Every other
/// byte is the source's. The new member takes its place in a sorted object and the last one in any
/// other, and is indented as the object is.
/// Errors, naming `file`: malformed; unsupported (there is a quantization_config already).
[[nodiscard]] Expected<std::string> with_fp8_config(std::string_view source,
                                                    const Fp8Config& config,
                                                    const std::string& file);

/// `source` without its `quantization_config`, for a checkpoint whose numbers are decoded; as it is
/// where there is none. Every other byte is the source's.
/// Errors, naming `file`: malformed.
[[nodiscard]] Expected<std::string> without_quantization(std::string_view source,
                                                         const std::string& file);

}  // namespace plimsoll::io
