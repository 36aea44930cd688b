#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// What config.json says about a checkpoint whose linear weights are 4-bit bitsandbytes tensors.
struct BnbConfig {
  std::string quant_type = "nf4";  ///< "nf4" or "fp4"
  bool double_quant = false;
  std::string compute_dtype = "bfloat16";  ///< torch's name of the type it computes in
  /// Modules whose weight was left as it was (no ".weight" at the end); any order, written sorted.
  /// None: null is written, and readers fall back to their own default.
  std::vector<std::string> skipped_modules;
};

/// `source` (the text of a config.json) with a `quantization_config` as transformers writes it.
/// Every other byte is the source's. The new member takes its place in a sorted object and the
/// last one in any other, and is indented as the object is.
/// Errors, naming `file`: malformed; unsupported (there is a quantization_config already).
[[nodiscard]] Expected<std::string> with_bnb_config(std::string_view source,
                                                    const BnbConfig& config,
                                                    const std::string& file);

/// `source` with the type that its tensors were cast to (torch's name): `dtype` and `torch_dtype`
/// are changed where they stand at the top level; without either, `dtype` is added.
/// Errors, naming `file`: malformed.
[[nodiscard]] Expected<std::string> with_dtype(std::string_view source, std::string_view dtype,
                                               const std::string& file);

}  // namespace plimsoll::io
