#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::cli {

/// What a synthetic tensor's numbers look like.
enum class SynthValues : std::uint8_t {
  weight,  ///< normal, mean 0, standard deviation 0.02
  norm,    ///< normal, mean 1, standard deviation 0.05
  scale,   ///< normal, mean 0.001, standard deviation 0.0001
  code,    ///< every code of an eight-bit float but its NaNs, each as often
};

struct SynthTensor {
  std::string name;
  io::Shape shape;
  SynthValues values = SynthValues::weight;
  Dtype dtype = Dtype::bf16;  ///< bf16 or f32; of codes f8_e4m3
};

/// A published model's outside: everything about its checkpoint but the numbers.
struct SynthShape {
  std::vector<SynthTensor> tensors;  ///< in the order in which the model's own files were filled
  std::uint64_t shard_bytes = 0;     ///< limit of the published files
  std::string config_json;           ///< config.json, in the publisher's spelling
  std::string generation_config_json;
  std::string tokenizer_config_json;  ///< a few keys: it stands for "other files"
};

/// The shapes that can be made, largest last: tiny (a Llama of two layers and a few megabytes),
/// tiny-moe (a Qwen3 of three layers with eight experts), tiny-fp8 (a DeepSeek-V3 of that size, in
/// FP8 with scales), qwen2.5-0.5b, qwen2.5-1.5b, qwen2.5-7b,
/// llama3-8b, qwen3-30b-a3b, mixtral-8x7b, deepseek-v3.
[[nodiscard]] std::vector<std::string_view> synth_shape_names();

/// A shape by name, with its own number of layers or its first `layers`. The layer that predicts
/// one token more (DeepSeek's) is there only behind all of them. Pure.
/// Errors: invalid_argument (no such shape, no layers, more layers than the model has).
[[nodiscard]] Expected<SynthShape> synth_shape(std::string_view name,
                                               std::optional<std::uint32_t> layers = {});

}  // namespace plimsoll::cli
