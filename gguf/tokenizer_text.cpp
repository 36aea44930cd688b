#include "gguf/tokenizer_text.hpp"

#include <simdjson.h>

#include <optional>
#include <utility>

namespace plimsoll::gguf {
namespace {

namespace dom = simdjson::dom;

/// A failure that unwinds the reading of one text; it does not leave read_tokenizer.
struct Wrong {
  std::string reason;
};

std::string text_in(dom::object object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

bool truth_in(dom::object object, std::string_view name, bool otherwise) {
  bool truth = otherwise;
  if (object[name].get(truth) != simdjson::SUCCESS) return otherwise;
  return truth;
}

/// An object's member that is an object; nothing if it is absent or null.
std::optional<dom::object> object_in(dom::object object, std::string_view name) {
  dom::object found;
  if (object[name].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::optional<dom::array> array_in(dom::object object, std::string_view name) {
  dom::array found;
  if (object[name].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::uint64_t id_of(dom::element element) {
  std::uint64_t id = 0;
  if (element.get(id) != simdjson::SUCCESS || id >= max_tokens) {
    throw Wrong{"the id of a token is no number below " + std::to_string(max_tokens)};
  }
  return id;
}

void read_vocabulary(dom::object model, TokenizerText& made) {
  const auto vocabulary = object_in(model, "vocab");
  if (!vocabulary) return;
  for (const dom::key_value_pair token : *vocabulary) {
    const std::uint64_t id = id_of(token.value);
    if (id >= made.tokens.size()) {
      made.tokens.resize(id + 1);
      made.known.resize(id + 1);
    }
    made.tokens[id] = token.key;
    made.known[id] = true;
  }
}

/// A blank within a piece as byte-level tokenizers write it.
void append_piece(std::string_view piece, std::string& merge) {
  for (const char c : piece) {
    if (c == ' ') {
      merge += "\xC4\xA0";
    } else {
      merge += c;
    }
  }
}

void read_merges(dom::object model, TokenizerText& made) {
  const auto merges = array_in(model, "merges");
  if (!merges) return;
  for (const dom::element element : *merges) {
    std::string_view text;
    if (element.get(text) == simdjson::SUCCESS) {
      made.merges.emplace_back(text);
      continue;
    }
    dom::array pair;
    std::string_view left;
    std::string_view right;
    if (element.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS) {
      throw Wrong{"a merge is neither a text nor a pair of texts"};
    }
    std::string merge;
    append_piece(left, merge);
    merge += ' ';
    append_piece(right, merge);
    made.merges.push_back(std::move(merge));
  }
}

void read_added(dom::object root, TokenizerText& made) {
  const auto added = array_in(root, "added_tokens");
  if (!added) return;
  for (const dom::element element : *added) {
    dom::object token;
    dom::element id;
    if (element.get(token) != simdjson::SUCCESS || token["id"].get(id) != simdjson::SUCCESS) {
      throw Wrong{"an added token has no id"};
    }
    made.added.push_back({id_of(id), text_in(token, "content"), truth_in(token, "special", false)});
  }
}

void read_pre_tokenizer(dom::object step, int depth, TokenizerText& made) {
  constexpr int deepest = 4;
  const auto inner = array_in(step, "pretokenizers");
  if (inner && depth < deepest) {
    for (const dom::element element : *inner) {
      dom::object next;
      if (element.get(next) == simdjson::SUCCESS) read_pre_tokenizer(next, depth + 1, made);
    }
    return;
  }
  PreTokenizer read;
  read.type = text_in(step, "type");
  if (const auto pattern = object_in(step, "pattern")) read.regex = text_in(*pattern, "Regex");
  read.isolated = text_in(step, "behavior") == "Isolated" && !truth_in(step, "invert", false);
  read.use_regex = truth_in(step, "use_regex", true);
  read.individual = truth_in(step, "individual_digits", false);
  made.pre_tokenizers.push_back(std::move(read));
}

std::vector<TemplatePiece> pieces_in(dom::object processor, std::string_view name) {
  std::vector<TemplatePiece> pieces;
  const auto array = array_in(processor, name);
  if (!array) return pieces;
  for (const dom::element element : *array) {
    dom::object piece;
    if (element.get(piece) != simdjson::SUCCESS) continue;
    const auto special = object_in(piece, "SpecialToken");
    const auto sequence = object_in(piece, "Sequence");
    const auto found = special ? special : sequence;
    pieces.push_back({special.has_value(), found ? text_in(*found, "id") : std::string()});
  }
  return pieces;
}

void read_template(dom::object processor, TokenizerText& made) {
  if (text_in(processor, "type") != "TemplateProcessing") return;
  made.single = pieces_in(processor, "single");
  made.pair = pieces_in(processor, "pair");
}

void read_post_processor(dom::object root, TokenizerText& made) {
  const auto processor = object_in(root, "post_processor");
  if (!processor) return;
  const auto inner = array_in(*processor, "processors");
  if (!inner) return read_template(*processor, made);
  for (const dom::element element : *inner) {
    dom::object next;
    if (element.get(next) == simdjson::SUCCESS) read_template(next, made);
  }
}

TokenizerText tokenizer_of(dom::object root) {
  TokenizerText made;
  if (const auto model = object_in(root, "model")) {
    made.type = text_in(*model, "type");
    made.byte_fallback = truth_in(*model, "byte_fallback", false);
    made.ignore_merges = truth_in(*model, "ignore_merges", false);
    read_vocabulary(*model, made);
    read_merges(*model, made);
  }
  read_added(root, made);
  if (const auto decoder = object_in(root, "decoder")) made.decoder = text_in(*decoder, "type");
  if (const auto step = object_in(root, "pre_tokenizer")) read_pre_tokenizer(*step, 0, made);
  read_post_processor(root, made);
  return made;
}

constexpr std::string_view llama3_words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2_words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view tekken_words =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// Whether bytes are all that is left to do.
bool only_bytes(const PreTokenizer& step) {
  return step.type == "ByteLevel" && !step.use_regex;
}

std::string_view name_of_words(std::string_view regex, bool ignore_merges) {
  if (regex == qwen2_words) return "qwen2";
  if (regex == tekken_words) return "tekken";
  // Without this the same words stand for several names, whose vocabularies differ.
  return regex == llama3_words && ignore_merges ? "llama-bpe" : std::string_view();
}

}  // namespace

Expected<TokenizerText> read_tokenizer(std::string_view text) {
  dom::parser parser;
  dom::object root;
  const auto code = parser.parse(text.data(), text.size()).get(root);
  if (code != simdjson::SUCCESS) {
    return fail(ErrorCode::malformed,
                std::string("it is not one JSON object: ") + simdjson::error_message(code),
                "tokenizer.json");
  }
  try {
    return tokenizer_of(root);
  } catch (const Wrong& wrong) {
    return fail(ErrorCode::malformed, wrong.reason, "tokenizer.json");
  }
}

std::string_view pre_tokenizer_name(const TokenizerText& tokenizer) {
  const auto& steps = tokenizer.pre_tokenizers;
  if (steps.size() == 1 && steps[0].type == "ByteLevel" && steps[0].use_regex) return "gpt-2";
  if (steps.size() != 2) return {};
  if (steps[0].type == "Digits" && steps[0].individual && steps[1].type == "ByteLevel" &&
      steps[1].use_regex) {
    return "smollm";
  }
  if (steps[0].type != "Split" || !steps[0].isolated || !only_bytes(steps[1])) return {};
  return name_of_words(steps[0].regex, tokenizer.ignore_merges);
}

}  // namespace plimsoll::gguf
