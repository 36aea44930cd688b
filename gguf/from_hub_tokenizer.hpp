#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "gguf/from_hub.hpp"
#include "gguf/from_hub_config.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::gguf {

/// Sets tokenizer.* of a model's metadata from tokenizer.json and tokenizer_config.json. Two kinds
/// of tokenizers become keys: byte-level BPE ("gpt2"), and BPE that falls back on bytes ("llama"),
/// whose scores only tokenizer.model has. Keys that another kind would need, or an absent text, are
/// listed as missing. Errors: malformed, naming the text.
[[nodiscard]] Expected<void> add_tokenizer_keys(std::string_view family, const HubMembers& config,
                                                const HubTexts& texts, io::GgufMetadata& metadata,
                                                std::vector<MissingKey>& missing);

}  // namespace plimsoll::gguf
