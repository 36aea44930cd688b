#pragma once

#include <cstdint>
#include <string>

#include "errors/expected.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::gguf {

/// What the types of a model's tensors depend on beside their names.
struct ModelFacts {
  std::uint64_t layers = 0;
  std::uint64_t experts = 0;         ///< in a layer; 0 for dense models
  std::uint64_t queries_per_kv = 0;  ///< heads for each key-value head of the first layer, or 0
  bool is_falcon = false;
  bool is_70b = false;  ///< llama.cpp calls it a 70B model, which goes by its layers
};

/// Reads the facts from the metadata of a GGUF file. Architectures that llama.cpp does not know are
/// taken as well; its `clip`, whose files have vision towers only, counts as one without layers and
/// heads (llama-quantize dies of that where a mixture goes by heads).
///
/// Errors: malformed where general.architecture or the architecture's block_count is missing, or
/// one of the keys looked at is no unsigned number (for heads also an array of such).
[[nodiscard]] Expected<ModelFacts> model_facts(const io::GgufMetadata& metadata,
                                               const std::string& file);

}  // namespace plimsoll::gguf
