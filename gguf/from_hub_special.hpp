#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "gguf/from_hub_config.hpp"
#include "gguf/tokenizer_text.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::gguf {

/// Sets the ids of special tokens, which of them are put around texts, and the template of chats,
/// as gguf-py 0.19 finds them (SpecialVocab in vocab.py): by tokenizer_config.json, the templates
/// of tokenizer.json, then by config.json. `tokenizer_config` is null where there is no such file.
/// Ids from `token_count` on are passed over; nothing: none are.
void add_special_tokens(const TokenizerText& tokenizer, const nlohmann::json& tokenizer_config,
                        std::string_view chat_template, const HubMembers& config,
                        std::optional<std::uint64_t> token_count, io::GgufMetadata& metadata);

}  // namespace plimsoll::gguf
