#include "cli/synth_shapes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/synth_models.hpp"

namespace plimsoll::cli {
namespace {

using nlohmann::json;

const char* tokenizer_class(SynthFamily family) {
  switch (family) {
    case SynthFamily::llama:
      return "PreTrainedTokenizerFast";
    case SynthFamily::mixtral:
      return "LlamaTokenizer";
    case SynthFamily::deepseek_v3:
      return "LlamaTokenizerFast";
    case SynthFamily::qwen2:
    case SynthFamily::qwen3_moe:
      break;
  }
  return "Qwen2Tokenizer";
}

std::string text_of(const json& object) {
  return object.dump(2) + "\n";
}

}  // namespace

std::vector<std::string_view> synth_shape_names() {
  std::vector<std::string_view> names;
  for (const SynthModel& model : synth_models()) names.push_back(model.name);
  return names;
}

Expected<SynthShape> synth_shape(std::string_view name, std::optional<std::uint32_t> layers) {
  const std::span<const SynthModel> models = synth_models();
  const auto model = std::find_if(models.begin(), models.end(), [&](const SynthModel& candidate) {
    return candidate.name == name;
  });
  if (model == models.end()) {
    std::string known;
    for (const SynthModel& candidate : models) known.append(" ").append(candidate.name);
    return fail(ErrorCode::invalid_argument,
                "no shape is called '" + std::string(name) + "'; there are:" + known);
  }
  const std::uint32_t kept = layers.value_or(model->layers);
  if (kept < 1 || kept > model->layers) {
    return fail(ErrorCode::invalid_argument, std::string(name) + " can have 1 to " +
                                                 std::to_string(model->layers) + " layers, not " +
                                                 std::to_string(kept));
  }
  const json config = synth_config(*model, kept);
  SynthShape shape;
  shape.tensors = synth_tensors(*model, kept);
  shape.shard_bytes = model->shard_bytes;
  shape.generation_config_json =
      text_of({{"bos_token_id", config["bos_token_id"]},
               {"eos_token_id", config["eos_token_id"]},
               {"transformers_version", config["transformers_version"]}});
  shape.tokenizer_config_json = text_of(
      {{"model_max_length", model->context}, {"tokenizer_class", tokenizer_class(model->family)}});
  shape.config_json = text_of(config);
  return shape;
}

}  // namespace plimsoll::cli
