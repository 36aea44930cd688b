#include "gguf/from_hub_tokenizer.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "gguf/from_hub_special.hpp"
#include "gguf/tokenizer_text.hpp"

namespace plimsoll::gguf {
namespace {

using nlohmann::json;

/// Kinds of tokens, numbered as in the files.
enum class Kind : std::int32_t { normal = 1, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// A vocabulary as the metadata have it.
struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> kinds;

  void add(std::string token, Kind kind) {
    tokens.push_back(std::move(token));
    kinds.push_back(static_cast<std::int32_t>(kind));
  }
};

/// Tokens that are not marked as special although they are.
bool looks_special(std::string_view token) {
  if (token == "<pad>" || token == "<mask>" || token == "<2mass>" || token == "[@BOS@]") {
    return true;
  }
  const auto within = [&](std::string_view begin, std::string_view end) {
    return token.size() >= std::max(begin.size(), end.size()) && token.starts_with(begin) &&
           token.ends_with(end);
  };
  // The second pair has the full-width bar.
  return within("<|", "|>") || within("<\xEF\xBD\x9C", "\xEF\xBD\x9C>") || within("<unused", ">");
}

/// A text with blanks in place of the sign that stands for them.
std::string with_blanks(std::string_view text) {
  constexpr std::string_view sign = "\xE2\x96\x81";
  std::string out;
  while (!text.empty()) {
    const bool blank = text.starts_with(sign);
    out += blank ? ' ' : text.front();
    text.remove_prefix(blank ? sign.size() : 1);
  }
  return out;
}

std::string padding_token(std::uint64_t id) {
  return "[PAD" + std::to_string(id) + "]";
}

/// The vocabulary of a byte-level tokenizer, up to the number of rows that embeddings have.
Expected<Vocabulary> byte_level_vocabulary(const TokenizerText& tokenizer, std::uint64_t size) {
  std::vector<const AddedToken*> added(size, nullptr);
  for (const AddedToken& token : tokenizer.added) {
    if (token.id >= size) {
      return fail(ErrorCode::malformed,
                  "a token has the id " + std::to_string(token.id) +
                      ", and config.json a vocabulary of " + std::to_string(size),
                  "tokenizer.json");
    }
    added[token.id] = &token;
  }
  if (tokenizer.tokens.size() > size) {
    return fail(ErrorCode::malformed,
                "it has " + std::to_string(tokenizer.tokens.size()) +
                    " tokens, and config.json a vocabulary of " + std::to_string(size),
                "tokenizer.json");
  }
  Vocabulary made;
  for (std::uint64_t id = 0; id < size; ++id) {
    if (const AddedToken* token = added[id]) {
      const bool control = token->special || looks_special(token->content);
      made.add(control ? token->content : with_blanks(token->content),
               control ? Kind::control : Kind::user_defined);
    } else if (id < tokenizer.known.size() && tokenizer.known[id]) {
      made.add(tokenizer.tokens[id], Kind::normal);
    } else {
      made.add(padding_token(id), Kind::unused);
    }
  }
  return made;
}

bool is_byte(std::string_view token) {
  const auto hexadecimal = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with('>') &&
         hexadecimal(token[3]) && hexadecimal(token[4]);
}

/// Contents of the tokens that tokenizer_config.json gives a meaning; of all that are marked as
/// special where there is no such file.
std::set<std::string, std::less<>> special_contents(const TokenizerText& tokenizer,
                                                    const json& tokenizer_config) {
  std::set<std::string, std::less<>> contents;
  if (!tokenizer_config.is_object()) {
    for (const AddedToken& token : tokenizer.added) {
      if (token.special) contents.insert(token.content);
    }
    return contents;
  }
  const auto add = [&](const json& entry) {
    if (entry.is_string()) contents.insert(entry.get<std::string>());
    if (entry.is_object() && entry.contains("content") && entry["content"].is_string()) {
      contents.insert(entry["content"].get<std::string>());
    }
  };
  for (const char* name : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                           "cls_token", "mask_token"}) {
    if (tokenizer_config.contains(name)) add(tokenizer_config[name]);
  }
  for (const char* name : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto found = tokenizer_config.find(name);
    if (found == tokenizer_config.end() || !found->is_array()) continue;
    for (const json& entry : *found) add(entry);
  }
  return contents;
}

/// The vocabulary of a tokenizer that falls back on bytes: the model's own, then what was added.
Vocabulary byte_fallback_vocabulary(const TokenizerText& tokenizer, const json& tokenizer_config) {
  const auto special = special_contents(tokenizer, tokenizer_config);
  Vocabulary made;
  for (std::uint64_t id = 0; id < tokenizer.tokens.size(); ++id) {
    const std::string& token = tokenizer.tokens[id];
    if (!tokenizer.known[id]) {
      made.add(padding_token(id), Kind::unused);
    } else if (is_byte(token)) {
      made.add(token, Kind::byte);
    } else {
      made.add(token, special.contains(token) ? Kind::control : Kind::normal);
    }
  }
  std::vector<const AddedToken*> added;
  for (const AddedToken& token : tokenizer.added) {
    if (token.id >= tokenizer.tokens.size()) added.push_back(&token);
  }
  std::ranges::sort(added, {}, &AddedToken::id);
  for (const AddedToken* token : added) {
    made.add(token->content, special.contains(token->content) ? Kind::control : Kind::user_defined);
  }
  return made;
}

void write_vocabulary(const Vocabulary& vocabulary, io::GgufMetadata& metadata) {
  metadata.replace("tokenizer.ggml.tokens", io::GgufValue::array_of(vocabulary.tokens));
}

void write_kinds(const Vocabulary& vocabulary, io::GgufMetadata& metadata) {
  metadata.replace("tokenizer.ggml.token_type",
                   io::GgufValue::array_of<std::int32_t>(vocabulary.kinds));
}

void set_text(const char* key, std::string_view text, io::GgufMetadata& metadata) {
  metadata.replace(key, io::GgufValue::of(text));
}

Expected<void> add_byte_level(const TokenizerText& tokenizer, const HubMembers& config,
                              io::GgufMetadata& metadata, std::vector<MissingKey>& missing) {
  std::uint64_t size = tokenizer.tokens.size();
  for (const AddedToken& token : tokenizer.added) size = std::max(size, token.id + 1);
  size = config.number({"vocab_size"}).value_or(size);
  if (size > max_tokens) {
    return fail(ErrorCode::malformed, "vocab_size is above " + std::to_string(max_tokens),
                "config.json");
  }
  const auto vocabulary = byte_level_vocabulary(tokenizer, size);
  if (!vocabulary) return fail(vocabulary.error());
  set_text("tokenizer.ggml.model", "gpt2", metadata);
  if (const auto name = pre_tokenizer_name(tokenizer); !name.empty()) {
    set_text("tokenizer.ggml.pre", name, metadata);
  } else {
    missing.push_back(
        {"tokenizer.ggml.pre", "no name is known for the way in which tokenizer.json cuts text"});
  }
  write_vocabulary(*vocabulary, metadata);
  write_kinds(*vocabulary, metadata);
  if (tokenizer.merges.empty()) {
    missing.push_back({"tokenizer.ggml.merges", "tokenizer.json has no merges"});
  } else {
    metadata.replace("tokenizer.ggml.merges", io::GgufValue::array_of(tokenizer.merges));
  }
  return {};
}

std::size_t add_byte_fallback(std::string_view family, const TokenizerText& tokenizer,
                              const json& tokenizer_config, io::GgufMetadata& metadata,
                              std::vector<MissingKey>& missing) {
  const Vocabulary vocabulary = byte_fallback_vocabulary(tokenizer, tokenizer_config);
  set_text("tokenizer.ggml.model", "llama", metadata);
  set_text("tokenizer.ggml.pre", "default", metadata);
  write_vocabulary(vocabulary, metadata);
  if (family == "llama" || family == "mistral" || family == "mixtral") {
    // What the converter writes for these where there is no tokenizer.model.
    const std::vector<float> scores(vocabulary.tokens.size(), -1000.0f);
    metadata.replace("tokenizer.ggml.scores", io::GgufValue::array_of<float>(scores));
  } else {
    missing.push_back({"tokenizer.ggml.scores", "only tokenizer.model has scores of tokens"});
  }
  write_kinds(vocabulary, metadata);
  return vocabulary.tokens.size();
}

/// What single families add to every tokenizer.
void add_family_keys(std::string_view family, const HubMembers& config,
                     const json& tokenizer_config, io::GgufMetadata& metadata) {
  if (family == "gemma2" || family == "gemma3") {
    metadata.replace("tokenizer.ggml.add_space_prefix", io::GgufValue::of(false));
  }
  if (family != "llama" && family != "mistral" && family != "mixtral") return;
  if (tokenizer_config.is_object()) {
    const auto prefix = tokenizer_config.find("add_prefix_space");
    if (prefix != tokenizer_config.end() && prefix->is_boolean()) {
      metadata.replace("tokenizer.ggml.add_space_prefix", io::GgufValue::of(prefix->get<bool>()));
    }
  }
  // Small Granite models, told by their vocabulary.
  if (config.number({"vocab_size"}) == 49152) {
    metadata.replace("tokenizer.ggml.add_bos_token", io::GgufValue::of(false));
  }
}

void note_all(std::string_view reason, std::vector<MissingKey>& missing) {
  for (const char* key : {"model", "pre", "tokens", "token_type"}) {
    missing.push_back({std::string("tokenizer.ggml.") + key, std::string(reason)});
  }
}

}  // namespace

Expected<void> add_tokenizer_keys(std::string_view family, const HubMembers& config,
                                  const HubTexts& texts, io::GgufMetadata& metadata,
                                  std::vector<MissingKey>& missing) {
  if (texts.tokenizer.empty()) {
    note_all("there is no tokenizer.json", missing);
    return {};
  }
  const auto tokenizer = read_tokenizer(texts.tokenizer);
  if (!tokenizer) return fail(tokenizer.error());
  json tokenizer_config;
  if (!texts.tokenizer_config.empty()) {
    tokenizer_config = json::parse(texts.tokenizer_config, nullptr, false);
    if (!tokenizer_config.is_object()) {
      return fail(ErrorCode::malformed, "it is not one JSON object", "tokenizer_config.json");
    }
  }
  std::optional<std::uint64_t> token_count;
  if (tokenizer->type == "BPE" && tokenizer->byte_fallback) {
    token_count = add_byte_fallback(family, *tokenizer, tokenizer_config, metadata, missing);
  } else if (tokenizer->type == "BPE") {
    if (auto added = add_byte_level(*tokenizer, config, metadata, missing); !added) return added;
  } else {
    note_all("its tokenizer.json is of the kind '" + tokenizer->type.substr(0, 100) + "'", missing);
    return {};
  }
  add_special_tokens(*tokenizer, tokenizer_config, texts.chat_template, config, token_count,
                     metadata);
  add_family_keys(family, config, tokenizer_config, metadata);
  return {};
}

}  // namespace plimsoll::gguf
