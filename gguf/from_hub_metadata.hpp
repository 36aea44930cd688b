#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gguf/from_hub.hpp"
#include "gguf/from_hub_config.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::gguf {

/// Sets the keys below the architecture's name, in the converter's order, for one of from_hub's
/// families. Members that a model's class would fill in are filled in only where the converter
/// itself has the value, or where it follows from others.
void add_architecture_keys(std::string_view family, std::string_view architecture,
                           const HubMembers& config, io::GgufMetadata& metadata,
                           std::vector<MissingKey>& missing);

/// Values that class or converter take where config.json has none.
void set_family_defaults(std::string_view family, HubMembers& config);

/// A tensor that follows from config.json alone.
struct MadeTensor {
  std::string name;
  std::vector<float> values;
};

/// Factors of rotary embeddings: rope_freqs.weight of Llama 3, the two tensors of phi3 with its key
/// of the factor of attention.
[[nodiscard]] std::vector<MadeTensor> made_tensors(std::string_view family,
                                                   std::string_view architecture,
                                                   const HubMembers& config,
                                                   io::GgufMetadata& metadata);

}  // namespace plimsoll::gguf
