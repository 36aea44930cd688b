#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/element_map.hpp"
#include "errors/expected.hpp"
#include "gguf/names_file.hpp"
#include "io/catalogue.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::gguf {

/// The texts that stand beside a Hugging Face checkpoint's weights; empty where there is no file.
struct HubTexts {
  std::string_view name;              ///< what the model is called: that of its directory
  std::string_view config;            ///< config.json
  std::string_view tokenizer;         ///< tokenizer.json
  std::string_view tokenizer_config;  ///< tokenizer_config.json
  std::string_view chat_template;     ///< chat_template.jinja
};

/// One tensor of the GGUF file that a checkpoint becomes.
struct FromHubTensor {
  std::string name;
  io::Shape shape;  ///< outermost first
  /// Tensors of the catalogue, by their place there. Several are stacked along the outermost size.
  std::vector<std::uint32_t> sources;
  /// How the numbers of each source lie, seen from this tensor: with the axes of `stored` in the
  /// order `axes` they are its numbers (of its part, if sources are stacked). Nothing: in order.
  std::optional<io::StoredOrder> order;
  /// Of the sources' numbers, in F32, to the tensor's. The converter widens BF16 before it maps,
  /// and maps F16 as F16, which rounds.
  codecs::ElementMap map = codecs::ElementMap::none;
  /// Stored as F32 whatever type is asked for: vectors, norms, routers and the like.
  bool stays_f32 = false;
  std::vector<float> values;  ///< the numbers of a tensor without sources
};

/// A key of the metadata that could not be made, and why.
struct MissingKey {
  std::string key;
  std::string reason;
  friend bool operator==(const MissingKey&, const MissingKey&) = default;
};

/// The GGUF file that a checkpoint becomes, but for the types of its tensors.
struct FromHub {
  std::vector<FromHubTensor> tensors;  ///< in the order of the file
  /// Without general.file_type and general.quantization_version, which follow from types.
  io::GgufMetadata metadata;
  std::vector<MissingKey> missing;
  std::vector<std::string> unnamed;  ///< tensors of the checkpoint that no table names
};

/// What of a checkpoint goes where in a GGUF file, as convert_hf_to_gguf.py of llama.cpp b8871 does
/// it: names, order of tensors, stacks of experts, orders and maps of numbers, and metadata from
/// the texts. Families: llama, mistral, mixtral, qwen2, qwen2_moe, qwen3, qwen3_moe, gemma2, gemma3
/// and phi3. The checkpoint has its published form: a tensor an expert.
///
/// Keys for which config.json and tokenizer files have no values are left out and listed as
/// missing. What describes a model for people (general.license, tags and so on) is not made.
///
/// Errors: unsupported for classes of other families; malformed (naming the text, or the tensor)
/// where a text is no JSON or has a member of a wrong type, a layer lacks experts, or heads do not
/// divide rows.
[[nodiscard]] Expected<FromHub> from_hub(const io::Catalogue& catalogue, const NameTables& tables,
                                         const HubTexts& texts);

}  // namespace plimsoll::gguf
