#pragma once

#include <optional>
#include <string_view>

#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs {

/// The name that config.json and a quantization's state have for a dtype: "bfloat16". Empty for the
/// sub-byte floats, which torch does not have. Static storage.
[[nodiscard]] std::string_view torch_name(Dtype dtype) noexcept;

/// The inverse of torch_name, which also understands torch's second names ("half") and a "torch."
/// before either. Nothing for other texts.
[[nodiscard]] std::optional<Dtype> torch_dtype(std::string_view name) noexcept;

}  // namespace plimsoll::codecs
