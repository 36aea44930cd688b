#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "errors/expected.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::config {

/// The few facts of a checkpoint's config.json that names, shapes and dtypes depend on. Source: the
/// transformers library, PreTrainedConfig and get_text_config.
struct HfConfig {
  /// The whole numbers of one object, by their names. Negative ones are not among them.
  using Numbers = std::map<std::string, std::uint64_t, std::less<>>;

  std::string model_type;       ///< empty if it is not there
  std::string architecture;     ///< architectures[0]; empty if it is not there
  std::string text_model_type;  ///< model_type of the language model inside a composite; or empty
  std::optional<bool> tie_word_embeddings;  ///< the model's own, else its text config's
  std::optional<Dtype> dtype;               ///< `dtype`, else `torch_dtype`, else the text config's
  std::string quant_method;                 ///< of quantization_config; empty if there is none
  /// weight_block_size of quantization_config: rows and columns of the tiles that share a scale.
  std::optional<std::array<std::uint64_t, 2>> weight_block_size;

  /// By object: "" is the config itself if it has any, "vision_config" a member of it that is an
  /// object, "thinker_config.text_config" a member of a member. Deeper ones are left out.
  std::map<std::string, Numbers, std::less<>> numbers;
  std::string text_path;  ///< which of those the text config is: "" if the config is its own

  /// The number FIELD of the object at PATH, if it is there.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view path,
                                                    std::string_view field) const;

  friend bool operator==(const HfConfig&, const HfConfig&) = default;
};

/// Reads config.json's text; `file` names it in errors. Unknown members are ignored and absent ones
/// leave their fact open, as does a null. malformed if it is not one JSON object, has a member
/// twice, or a fact has the wrong type.
[[nodiscard]] Expected<HfConfig> parse_hf_config(std::string_view json, const std::string& file);

/// Reads DIRECTORY/config.json; nothing if there is none. At most 16 MiB are read, more is
/// malformed.
[[nodiscard]] Expected<std::optional<HfConfig>> read_hf_config(const std::string& directory);

}  // namespace plimsoll::config
