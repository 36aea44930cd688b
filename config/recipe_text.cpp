#include "config/recipe_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <type_traits>
#include <utility>

#include "config/arrow_rule.hpp"
#include "config/written_word.hpp"

namespace plimsoll::config {
namespace {

using codecs::Format;
using codecs::FormatKind;

// In the order of FormatKind.
constexpr std::array<std::string_view, 7> names = {"keep", "bf16",      "f16",       "f32",
                                                   "nf4",  "fp8-block", "fp8-tensor"};

// In the order of Nf4Variant, Fp8Recipe and Fp8Scale.
constexpr std::array<std::string_view, 2> variant_names = {"cuda", "cpu"};
constexpr std::array<std::string_view, 3> recipe_names = {"finegrained", "transformers", "vllm"};
constexpr std::array<std::string_view, 2> scale_names = {"float", "ue8m0"};

/// An option of a format: how it is documented, read and shown.
struct FormatOption {
  std::string_view name;
  std::string_view values;  // "name=what it may be"
  Expected<void> (*set)(const FormatOption& option, Format& format, std::string_view value);
  std::string (*text)(const Format& format);  // of its value
};

/// An option whose value is one of `words`, which stand in the order of the member's enum.
template <auto Member, const auto& words>
constexpr FormatOption word_option(std::string_view name, std::string_view values) {
  return {name, values,
          [](const FormatOption& option, Format& format, std::string_view value) -> Expected<void> {
            const Expected<std::size_t> place = place_of(value, words, option.name);
            if (!place) return fail(place.error());
            using Choice = std::remove_reference_t<decltype(format.*Member)>;
            format.*Member = static_cast<Choice>(*place);
            return {};
          },
          [](const Format& format) {
            return std::string(words[static_cast<std::size_t>(format.*Member)]);
          }};
}

Expected<void> set_blocksize(const FormatOption&, Format& format, std::string_view value) {
  std::uint32_t size = 0;
  const char* end = value.data() + value.size();
  const auto [stop, code] = std::from_chars(value.data(), end, size);
  if (code != std::errc() || stop != end || size < 32 || size > 4096 || !std::has_single_bit(size))
    return fail(ErrorCode::invalid_argument,
                "blocksize " + quoted(value) + " is not a power of two from 32 to 4096");
  format.blocksize = size;
  return {};
}

constexpr std::array<FormatOption, 2> nf4_options = {{
    {"blocksize", "blocksize=32..4096 (a power of two)", set_blocksize,
     [](const Format& format) { return std::to_string(format.blocksize); }},
    word_option<&Format::variant, variant_names>("variant", "variant=cuda or cpu"),
}};

constexpr std::array<FormatOption, 2> fp8_block_options = {{
    word_option<&Format::recipe, recipe_names>("recipe",
                                               "recipe=finegrained, transformers or vllm"),
    word_option<&Format::scale, scale_names>("scale", "scale=float or ue8m0"),
}};

std::span<const FormatOption> options_of(FormatKind kind) {
  if (kind == FormatKind::nf4) return nf4_options;
  if (kind == FormatKind::fp8_block) return fp8_block_options;
  return {};
}

/// The option that `key` names; otherwise an error that lists those there are.
Expected<std::size_t> find_option(std::span<const FormatOption> options, std::string_view key,
                                  std::string_view format) {
  std::vector<std::string_view> known;
  for (const FormatOption& option : options) known.push_back(option.name);
  return place_of(key, known, std::string(format) + " option");
}

tl::unexpected<Error> takes_no_options(std::string_view format) {
  return fail(ErrorCode::invalid_argument, "format " + quoted(format) + " takes no options");
}

Expected<void> set_options(Format& format, std::string_view name, std::string_view text) {
  const std::span<const FormatOption> options = options_of(format.kind);
  if (options.empty()) {
    return takes_no_options(name);
  }
  std::vector<bool> given(options.size());
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view assignment = trimmed(text.substr(0, comma));
    const std::size_t equals = assignment.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::invalid_argument,
                  "format option " + quoted(assignment) + " is not of the form option=value");
    }
    const std::string_view key = trimmed(assignment.substr(0, equals));
    const Expected<std::size_t> found = find_option(options, key, name);
    if (!found) return fail(found.error());
    if (given[*found]) {
      return fail(ErrorCode::invalid_argument, "format option " + quoted(key) + " is given twice");
    }
    given[*found] = true;
    const FormatOption& option = options[*found];
    Expected<void> set = option.set(option, format, trimmed(assignment.substr(equals + 1)));
    if (!set || comma == std::string_view::npos) return set;
    text.remove_prefix(comma + 1);
  }
}

/// A type that ggml can make; the plain ones are casts.
std::optional<Format> block_format(std::string_view word) {
  const auto type = codecs::ggml::type_of(word);
  if (!type || !codecs::ggml::is_block_type(*type)) return std::nullopt;
  if (!codecs::ggml::traits_of(*type).encodes) return std::nullopt;
  return Format{.kind = FormatKind::ggml, .type = *type};
}

/// The types of blocks that ggml can make.
std::vector<std::string_view> block_names() {
  std::vector<std::string_view> found;
  for (const codecs::ggml::Traits& traits : codecs::ggml::all_types()) {
    if (block_format(traits.name)) found.push_back(traits.name);
  }
  return found;
}

/// A format of ours or a type; `others`: what else an unknown word may have meant.
Expected<Format> parse_known(std::string_view text, std::span<const std::string_view> others) {
  if (const std::optional<Format> blocks = block_format(trimmed(text))) return *blocks;
  const std::string spelled = lowered(trimmed(text));
  const std::string_view whole = spelled;
  const std::size_t colon = whole.find(':');
  const std::string_view name = trimmed(whole.substr(0, colon));
  const Expected<std::size_t> kind = place_of(name, names, "format", others);
  if (!kind) {
    const auto is_it = [&](std::string_view other) { return lowered(other) == name; };
    return std::ranges::any_of(others, is_it) ? takes_no_options(name) : fail(kind.error());
  }
  Format format{.kind = static_cast<FormatKind>(*kind)};
  if (colon == std::string_view::npos) return format;
  const Expected<void> set = set_options(format, name, whole.substr(colon + 1));
  if (!set) return fail(set.error());
  return format;
}

}  // namespace

std::span<const std::string_view> format_names() {
  return names;
}

std::vector<std::string_view> format_options(std::string_view name) {
  std::vector<std::string_view> out;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return out;
  for (const FormatOption& option : options_of(static_cast<FormatKind>(found - names.begin()))) {
    out.push_back(option.values);
  }
  return out;
}

Expected<Format> parse_target(std::string_view text) {
  const std::string_view word = trimmed(text);
  const bool is_ours = std::ranges::count(names, std::string_view(lowered(word))) > 0;
  // llama-quantize also understands numbers, which tell a reader nothing.
  if (!is_ours && !is_digits(word)) {
    if (const auto ftype = codecs::ggml::ftype_of(word)) {
      return Format{.kind = FormatKind::ftype, .ftype = *ftype};
    }
  }
  std::vector<std::string_view> known = block_names();
  for (const auto& traits : codecs::ggml::all_ftypes()) known.push_back(traits.name);
  return parse_known(text, known);
}

Expected<Format> parse_format(std::string_view text) {
  const std::string_view word = trimmed(text);
  const bool is_type = codecs::ggml::type_of(word).has_value();
  if (!is_type && codecs::ggml::ftype_of(word) && lowered(word) != word) {
    return fail(
        ErrorCode::invalid_argument,
        quoted(word) + " is of a whole GGUF model; a single tensor has a type, such as q4_K");
  }
  return parse_known(text, block_names());
}

std::string format_text(const Format& format) {
  if (format.kind == FormatKind::ggml) {
    return std::string(codecs::ggml::traits_of(format.type).name);
  }
  if (format.kind == FormatKind::ftype) {
    return std::string(codecs::ggml::traits_of(format.ftype).name);
  }
  std::string text(names[static_cast<std::size_t>(format.kind)]);
  const Format standard{.kind = format.kind};
  char separator = ':';
  for (const FormatOption& option : options_of(format.kind)) {
    const std::string value = option.text(format);
    if (value == option.text(standard)) continue;
    text.append(1, separator).append(option.name).append("=").append(value);
    separator = ',';
  }
  return text;
}

Expected<MatchRule> parse_match(std::string_view text) {
  Expected<ArrowRule> rule = split_arrow(text, "match", "FORMAT");
  if (!rule) return fail(rule.error());
  const Expected<Format> format = parse_format(rule->word);
  if (!format) return fail(format.error());
  return MatchRule{std::move(rule->pattern), *format};
}

std::string match_text(const MatchRule& rule) {
  return rule.pattern + " -> " + format_text(rule.format);
}

}  // namespace plimsoll::config
