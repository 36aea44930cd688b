#include "config/recipe_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "config/nearest.hpp"
#include "config/pattern.hpp"

namespace plimsoll::config {
namespace {

using codecs::Format;
using codecs::FormatKind;
using codecs::Nf4Variant;

// In the order of FormatKind.
constexpr std::array<std::string_view, 5> names = {"keep", "bf16", "f16", "f32", "nf4"};

constexpr std::array<std::string_view, 2> nf4_option_names = {"blocksize", "variant"};
constexpr std::array<std::string_view, 2> nf4_options = {"blocksize=32..4096 (a power of two)",
                                                         "variant=cuda or cpu"};
// In the order of Nf4Variant.
constexpr std::array<std::string_view, 2> variant_names = {"cuda", "cpu"};

std::string quoted(std::string_view text) {
  return std::string(1, '"').append(text).append(1, '"');
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

/// The place of `word` among `words`; otherwise an error about an unknown `what`.
Expected<std::size_t> place_of(std::string_view word, std::span<const std::string_view> words,
                               std::string_view what) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  return fail(ErrorCode::invalid_argument, "unknown " + std::string(what) + " " + quoted(word) +
                                               " (known: " + listed(words) + ")" +
                                               did_you_mean(word, words));
}

Expected<void> set_nf4_option(Format& format, std::size_t option, std::string_view value) {
  if (option == 1) {
    const Expected<std::size_t> variant = place_of(value, variant_names, "nf4 variant");
    if (!variant) return fail(variant.error());
    format.variant = static_cast<Nf4Variant>(*variant);
    return {};
  }
  std::uint32_t size = 0;
  const char* end = value.data() + value.size();
  const auto [stop, code] = std::from_chars(value.data(), end, size);
  if (code != std::errc() || stop != end || size < 32 || size > 4096 || !std::has_single_bit(size))
    return fail(ErrorCode::invalid_argument,
                "blocksize " + quoted(value) + " is not a power of two from 32 to 4096");
  format.blocksize = size;
  return {};
}

Expected<void> set_options(Format& format, std::string_view name, std::string_view options) {
  if (!codecs::is_quantized(format.kind)) {
    return fail(ErrorCode::invalid_argument, "format " + quoted(name) + " takes no options");
  }
  std::array<bool, nf4_option_names.size()> given{};
  while (true) {
    const std::size_t comma = options.find(',');
    const std::string_view assignment = trimmed(options.substr(0, comma));
    const std::size_t equals = assignment.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::invalid_argument,
                  "format option " + quoted(assignment) + " is not of the form option=value");
    }
    const std::string_view key = trimmed(assignment.substr(0, equals));
    const Expected<std::size_t> option = place_of(key, nf4_option_names, "nf4 option");
    if (!option) return fail(option.error());
    if (std::exchange(given[*option], true)) {
      return fail(ErrorCode::invalid_argument, "format option " + quoted(key) + " is given twice");
    }
    Expected<void> set = set_nf4_option(format, *option, trimmed(assignment.substr(equals + 1)));
    if (!set || comma == std::string_view::npos) return set;
    options.remove_prefix(comma + 1);
  }
}

}  // namespace

std::span<const std::string_view> format_names() {
  return names;
}

std::span<const std::string_view> format_options(std::string_view name) {
  if (name == "nf4") return nf4_options;
  return {};
}

Expected<Format> parse_format(std::string_view text) {
  const std::string spelled = lowered(trimmed(text));
  const std::string_view whole = spelled;
  const std::size_t colon = whole.find(':');
  const std::string_view name = trimmed(whole.substr(0, colon));
  const Expected<std::size_t> kind = place_of(name, names, "format");
  if (!kind) return fail(kind.error());
  Format format{.kind = static_cast<FormatKind>(*kind)};
  if (colon == std::string_view::npos) return format;
  const Expected<void> set = set_options(format, name, whole.substr(colon + 1));
  if (!set) return fail(set.error());
  return format;
}

std::string format_text(const Format& format) {
  std::string text(names[static_cast<std::size_t>(format.kind)]);
  if (!codecs::is_quantized(format.kind)) return text;
  const Format standard{.kind = format.kind};
  char separator = ':';
  if (format.blocksize != standard.blocksize) {
    text.append(1, separator).append("blocksize=").append(std::to_string(format.blocksize));
    separator = ',';
  }
  if (format.variant != standard.variant) {
    text.append(1, separator).append("variant=");
    text.append(variant_names[static_cast<std::size_t>(format.variant)]);
  }
  return text;
}

Expected<MatchRule> parse_match(std::string_view text) {
  const std::size_t arrow = text.rfind("->");
  if (arrow == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                "match " + quoted(text) + " is not of the form 'REGEX -> FORMAT'");
  }
  std::string_view pattern = trimmed(text.substr(0, arrow));
  if (pattern.empty()) {
    return fail(ErrorCode::invalid_argument, "match " + quoted(text) + " has no pattern");
  }
  const Expected<Pattern> compiled = Pattern::compile(pattern);
  if (!compiled) return fail(compiled.error());
  const Expected<Format> format = parse_format(text.substr(arrow + 2));
  if (!format) return fail(format.error());
  return MatchRule{std::string(pattern), *format};
}

std::string match_text(const MatchRule& rule) {
  return rule.pattern + " -> " + format_text(rule.format);
}

}  // namespace plimsoll::config
