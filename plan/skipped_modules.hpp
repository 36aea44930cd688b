#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::plan {

/// The entries of a bitsandbytes checkpoint's `llm_int8_skip_modules` that make its readers leave
/// out every module of `skipped` and none of `quantized`. Names are whole module paths, without
/// ".weight". Sorted, each once. A name that is in both lists counts as quantized.
///
/// Readers (transformers) leave a module out if its path ends with an entry, or if an entry matches
/// as a regular expression at the path's start; newer ones then ask for a part's end behind the
/// match, older ones do not. A plain path can therefore catch others: "model.fc" catches
/// "model.fc2" and "other.model.fc". So an entry is the plain path, which other readers (vLLM)
/// compare as text, only if it can catch nothing in `quantized` under either rule; else it is a
/// regular expression that matches this path alone ("model\.fc\Z"), and no path ends with it as
/// long as paths hold no backslash.
/// O(n log n) comparisons of names.
[[nodiscard]] std::vector<std::string> skip_entries(std::span<const std::string_view> skipped,
                                                    std::span<const std::string_view> quantized);

}  // namespace plimsoll::plan
