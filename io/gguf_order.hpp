#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll::io {

/// The order in which llama-quantize writes a model's tensors when it does not keep the parts of a
/// split one: those of no layer, then layer by layer ("blk.N."), by name within each. Indices into
/// `names`, which must be unique. Source: llama.cpp b8871, weight_name_comparer.
[[nodiscard]] std::vector<std::uint32_t> llama_quantize_order(
    std::span<const std::string_view> names);

}  // namespace plimsoll::io
