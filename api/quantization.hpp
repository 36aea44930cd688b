#pragma once

#include "codecs/format.hpp"
#include "errors/expected.hpp"
#include "plan/plan.hpp"

namespace plimsoll {

/// Whether FP8 weights of the source become plain numbers.
[[nodiscard]] bool dequantizes(const plan::Plan& plan);

/// The one way in which a checkpoint made by the plan is quantized; keep if in none. A config.json
/// has room for one, with one set of its parameters. unsupported, naming the tensor, where tensors
/// differ, or where some of the source's FP8 weights stay and others do not.
[[nodiscard]] Expected<codecs::Format> quantization_of(const plan::Plan& plan);

}  // namespace plimsoll
