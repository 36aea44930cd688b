#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "cli/synth_shapes.hpp"

namespace plimsoll::cli {

enum class SynthFamily : std::uint8_t { llama, qwen2, qwen3_moe, mixtral, deepseek_v3 };

/// The sizes of one published model.
struct SynthModel {
  std::string_view name;
  SynthFamily family = SynthFamily::llama;
  std::uint32_t layers = 0;
  std::uint64_t hidden = 0;
  std::uint64_t intermediate = 0;  ///< of one expert, where there are experts
  std::uint64_t heads = 0;
  std::uint64_t key_value_heads = 0;
  std::uint64_t head_size = 0;
  std::uint64_t vocabulary = 0;
  std::uint64_t experts = 0;
  bool tied = false;
  std::uint64_t context = 0;
  double rope_theta = 0;
  std::uint64_t shard_bytes = 5'000'000'000;
};

/// All of them, largest last. Static storage.
[[nodiscard]] std::span<const SynthModel> synth_models();

/// The tensors of the first `layers` layers and of what is around them, in the order of the model's
/// state dict.
[[nodiscard]] std::vector<SynthTensor> synth_tensors(const SynthModel& model, std::uint32_t layers);

/// config.json of the model with its first `layers` layers.
[[nodiscard]] nlohmann::json synth_config(const SynthModel& model, std::uint32_t layers);

}  // namespace plimsoll::cli
