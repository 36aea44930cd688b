#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/synth_models.hpp"

namespace plimsoll::cli {

/// The tensors of DeepSeek-V3 as published, or of a model like it: linear layers in FP8, each with
/// the scales of its tiles of 128 x 128 beside it; the first layers without experts; behind all
/// layers, where none is left out, the one that predicts one token more.
[[nodiscard]] std::vector<SynthTensor> deepseek_tensors(const SynthModel& model,
                                                        std::uint32_t layers);

/// What its config.json says beyond the sizes that all models have.
[[nodiscard]] nlohmann::json deepseek_config(const SynthModel& model, std::uint32_t layers);

}  // namespace plimsoll::cli
