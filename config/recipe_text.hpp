#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/format.hpp"
#include "errors/expected.hpp"

namespace plimsoll::config {

/// The names a format can have, in the order in which they are listed to people.
[[nodiscard]] std::span<const std::string_view> format_names();

/// The options a format takes, each with its values, for example "blocksize=32..4096 (a power of
/// two)". Empty for a format without options or an unknown name. The texts are static.
[[nodiscard]] std::vector<std::string_view> format_options(std::string_view name);

/// Reads FORMAT[:option=value,...], or the name of a type that ggml quantizes to, for example
/// "nf4:blocksize=128,variant=cpu". Names, options and values may be in upper or lower case. An
/// unknown word is invalid_argument and names the nearest.
[[nodiscard]] Expected<codecs::Format> parse_format(std::string_view text);

/// Reads what `--to` may be: a format, an ftype of GGUF models ("Q4_K_M"), or else a tensor type.
[[nodiscard]] Expected<codecs::Format> parse_target(std::string_view text);

/// The canonical text: lower case, only the options that differ from the default, so that
/// parse_format(format_text(f)) == f. Of ggml's types and ftypes its own spelling, which
/// parse_format and parse_target read back.
[[nodiscard]] std::string format_text(const codecs::Format& format);

/// One `--match`: what becomes of the tensors in whose full name `pattern` is found.
struct MatchRule {
  std::string pattern;  ///< PCRE2, known to compile
  codecs::Format format;

  friend bool operator==(const MatchRule&, const MatchRule&) = default;
};

/// Reads 'REGEX -> FORMAT[:...]'. The last arrow counts, blanks around it do not. invalid_argument
/// when the arrow or a side is missing, when the pattern does not compile or the format is unknown.
[[nodiscard]] Expected<MatchRule> parse_match(std::string_view text);

/// The text that parse_match reads back.
[[nodiscard]] std::string match_text(const MatchRule& rule);

}  // namespace plimsoll::config
