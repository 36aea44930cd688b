#pragma once

#include <optional>
#include <string_view>

#include "codecs/format.hpp"
#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "plan/plan.hpp"

namespace plimsoll {

/// The method, if a checkpoint with this config.json is quantized in a way whose numbers cannot be
/// read; they can only be kept. Empty otherwise. Lives as long as `facts`.
[[nodiscard]] std::string_view unreadable_method(const std::optional<config::HfConfig>& facts);

/// Whether FP8 weights of the source become plain numbers.
[[nodiscard]] bool dequantizes(const plan::Plan& plan);

/// The one way in which a checkpoint made by the plan is quantized; keep if in none. A config.json
/// has room for one, with one set of its parameters. unsupported, naming the tensor, where tensors
/// differ, or where some of the source's FP8 weights stay and others do not.
[[nodiscard]] Expected<codecs::Format> quantization_of(const plan::Plan& plan);

}  // namespace plimsoll
