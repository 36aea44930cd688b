#include <cmath>
#include <numbers>
#include <optional>

#include "gguf/from_hub_metadata.hpp"

namespace plimsoll::gguf {
namespace {

using nlohmann::json;

double real_in(const json& object, const char* name, double otherwise) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : otherwise;
}

std::string word_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The numbers of an array; nothing if it is none, or has something else in it.
std::optional<std::vector<float>> numbers_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<float> numbers;
  for (const json& element : *found) {
    if (!element.is_number()) return std::nullopt;
    numbers.push_back(element.get<float>());
  }
  return numbers;
}

/// By how much Llama 3 slows each frequency, in fp32 as the converter computes it: those whose
/// waves are short not at all, long ones by the whole factor, others by something between.
std::vector<float> llama3_factors(const json& rope, std::uint64_t head_size,
                                  double original_length) {
  const auto base = static_cast<float>(real_in(rope, "rope_theta", 10'000.0));
  const auto factor = static_cast<float>(real_in(rope, "factor", 8.0));
  const auto low = static_cast<float>(real_in(rope, "low_freq_factor", 1.0));
  const auto high = static_cast<float>(real_in(rope, "high_freq_factor", 4.0));
  const auto length = static_cast<float>(original_length);
  std::vector<float> factors;
  for (std::uint64_t i = 0; i < head_size; i += 2) {
    const float frequency =
        1.0f / std::pow(base, static_cast<float>(i) / static_cast<float>(head_size));
    const float wave = static_cast<float>(2 * std::numbers::pi) / frequency;
    if (wave < length / high) {
      factors.push_back(1.0f);
    } else if (wave > length / low) {
      factors.push_back(factor);
    } else {
      const float smooth = (length / wave - low) / (high - low);
      factors.push_back(1.0f / ((1.0f - smooth) / factor + smooth));
    }
  }
  return factors;
}

std::vector<MadeTensor> llama_tensors(const HubMembers& config) {
  // More would be no head of any model, and a tensor out of proportion.
  constexpr std::uint64_t largest_head = 1u << 16;
  const json rope = config.rope();
  auto size = config.number({"head_dim"});
  const auto width = config.number({"hidden_size"});
  const auto heads = config.number({"num_attention_heads"});
  if (!size && width && heads && *heads > 0) size = *width / *heads;
  if (word_in(rope, "rope_type") != "llama3" || !size || *size > largest_head) return {};
  // The converter does not look for this within rope_scaling.
  const double length = config.real({"original_max_position_embeddings"}).value_or(8192.0);
  return {{"rope_freqs.weight", llama3_factors(rope, *size, length)}};
}

std::vector<MadeTensor> phi3_tensors(std::string_view architecture, const HubMembers& config,
                                     io::GgufMetadata& metadata) {
  const json rope = config.rope();
  const std::string type = word_in(rope, "rope_type");
  auto long_factors = numbers_in(rope, "long_factor");
  auto short_factors = numbers_in(rope, "short_factor");
  const auto length = config.real({"max_position_embeddings"});
  const auto original = config.real({"original_max_position_embeddings"});
  if (!long_factors || !short_factors || !length || !original || *original <= 1) return {};
  const double scale = *length / *original;
  double factor = 1.0;
  if (type == "yarn") {
    if (scale > 1.0) factor = 0.1 * std::log(scale) + 1.0;
  } else if (scale > 1.0) {
    factor = std::sqrt(1 + std::log(scale) / std::log(*original));
  }
  metadata.replace(std::string(architecture) + ".rope.scaling.attn_factor",
                   io::GgufValue::of(static_cast<float>(factor)));
  return {{"rope_factors_long.weight", *std::move(long_factors)},
          {"rope_factors_short.weight", *std::move(short_factors)}};
}

}  // namespace

std::vector<MadeTensor> made_tensors(std::string_view family, std::string_view architecture,
                                     const HubMembers& config, io::GgufMetadata& metadata) {
  if (family == "llama" || family == "mistral" || family == "mixtral") {
    return llama_tensors(config);
  }
  if (family == "phi3") return phi3_tensors(architecture, config, metadata);
  return {};
}

}  // namespace plimsoll::gguf
