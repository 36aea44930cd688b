#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::gguf {

/// A token that stands outside of the model's own vocabulary, or is one of it with a meaning.
struct AddedToken {
  std::uint64_t id = 0;
  std::string content;
  bool special = false;
};

/// One step before merging: what cuts text into words.
struct PreTokenizer {
  std::string type;         ///< "Split", "ByteLevel", "Digits" ...
  std::string regex;        ///< of Split
  bool isolated = false;    ///< Split keeps what matches as words of their own
  bool use_regex = false;   ///< ByteLevel cuts by GPT-2's pattern
  bool individual = false;  ///< Digits stand alone
};

/// One piece of the template by which special tokens are put around texts.
struct TemplatePiece {
  bool special = false;  ///< a special token; else a text, "A" or "B"
  std::string id;
};

/// What of tokenizer.json counts for a GGUF file.
struct TokenizerText {
  std::string type;                 ///< of the model: "BPE", "Unigram" ...
  std::vector<std::string> tokens;  ///< the model's vocabulary by id; empty where an id is free
  std::vector<bool> known;          ///< whether the id has a token
  std::vector<std::string> merges;  ///< two pieces with a blank between them
  bool byte_fallback = false;
  bool ignore_merges = false;
  std::string decoder;  ///< its type
  std::vector<AddedToken> added;
  std::vector<PreTokenizer> pre_tokenizers;  ///< one after the other
  std::vector<TemplatePiece> single;         ///< the template for one text; empty if there is none
  std::vector<TemplatePiece> pair;           ///< and for two
};

/// The most tokens that a vocabulary may have.
inline constexpr std::uint64_t max_tokens = std::uint64_t{1} << 24;

/// Reads tokenizer.json. Errors: malformed where it is no JSON, an id is above max_tokens or a
/// member that is read here has a wrong type. Cost: linear; memory some times the text.
[[nodiscard]] Expected<TokenizerText> read_tokenizer(std::string_view text);

/// The name that llama.cpp (b8871, llama-vocab.cpp) has for the way in which a byte-level tokenizer
/// cuts text; empty where none does the same.
[[nodiscard]] std::string_view pre_tokenizer_name(const TokenizerText& tokenizer);

}  // namespace plimsoll::gguf
