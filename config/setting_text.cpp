#include "config/setting_text.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "config/recipe_text.hpp"
#include "config/size_text.hpp"

namespace plimsoll::config {
namespace {

std::string toml_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    out += toml_string(text);
  }
  return out + "]";
}

std::optional<std::string> show(bool value) {
  return value ? "true" : "false";
}
std::optional<std::string> show(std::uint32_t value) {
  return std::to_string(value);
}
std::optional<std::string> show(std::uint64_t bytes) {
  // TOML integers are signed; larger numbers need quotes as much as units do.
  std::string text = format_size(bytes);
  const bool plain = text.find_first_not_of("0123456789") == std::string::npos &&
                     bytes <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return plain ? text : toml_string(text);
}
std::optional<std::string> show(const std::optional<std::uint64_t>& bytes) {
  return bytes ? show(*bytes) : std::nullopt;
}
std::optional<std::string> show(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(toml_string(text));
}
template <class Choice>
requires std::is_enum_v<Choice> std::optional<std::string> show(const Choice& choice) {
  return toml_string(choices(&choice)[static_cast<std::size_t>(choice)]);
}
std::optional<std::string> show(const std::optional<codecs::Format>& format) {
  return format ? std::optional(toml_string(format_text(*format))) : std::nullopt;
}
std::optional<std::string> show(const std::vector<MatchRule>& rules) {
  std::vector<std::string> texts;
  for (const MatchRule& rule : rules) texts.push_back(match_text(rule));
  return toml_list(texts);
}
std::optional<std::string> show(const std::optional<std::vector<std::string>>& patterns) {
  return patterns ? std::optional(toml_list(*patterns)) : std::nullopt;
}
std::optional<std::string> show(const std::optional<ParallelRank>& parallel) {
  return parallel ? std::optional(toml_string(parallel_text(*parallel))) : std::nullopt;
}
std::optional<std::string> show(const std::vector<SliceRule>& rules) {
  std::vector<std::string> texts;
  for (const SliceRule& rule : rules) texts.push_back(slice_text(rule));
  return toml_list(texts);
}
std::optional<std::string> show(const std::vector<std::string>& texts) {
  return toml_list(texts);
}

struct RangeText {
  const SettingSchema& setting;

  std::string operator()(const bool*) const { return "true or false"; }
  std::string operator()(const std::uint32_t*) const {
    return std::to_string(setting.least) + " to " + std::to_string(setting.most);
  }
  std::string operator()(const std::uint64_t*) const {
    const std::string least =
        setting.least > 1 ? "at least " + format_size(setting.least) : "more than 0";
    const bool bounded = setting.most != std::numeric_limits<std::uint64_t>::max();
    return "a size, " + least + (bounded ? ", at most " + format_size(setting.most) : "");
  }
  std::string operator()(const std::optional<std::uint64_t>*) const {
    return (*this)(static_cast<const std::uint64_t*>(nullptr));
  }
  std::string operator()(const std::string*) const { return "a path"; }
  template <class Choice>
  requires std::is_enum_v<Choice> std::string operator()(const Choice* choice) const {
    return word_list(choices(choice));
  }
  std::string operator()(const std::optional<codecs::Format>*) const {
    return "a format: " + word_list(format_names());
  }
  std::string operator()(const std::vector<MatchRule>*) const { return "an array of rules"; }
  std::string operator()(const std::optional<std::vector<std::string>>*) const {
    return "an array of patterns";
  }
  std::string operator()(const std::optional<ParallelRank>*) const {
    return "a rank below the count, 1 to 65536";
  }
  std::string operator()(const std::vector<SliceRule>*) const {
    return "an array of rules: " + word_list(slice_kinds());
  }
  std::string operator()(const std::vector<std::string>*) const {
    return "an array, or a comma list, of host, host:N and cuda:N";
  }
};

}  // namespace

std::string word_list(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::optional<std::string> toml_value(const SettingSchema& setting, const Settings& settings) {
  // A place is mutable; showing one needs a copy, which costs nothing next to printing it.
  Settings copy = settings;
  return std::visit([](const auto* place) { return show(*place); }, setting.place(copy));
}

std::string range_text(const SettingSchema& setting) {
  Settings standard;
  return std::visit(RangeText{setting}, setting.place(standard));
}

std::string toml_string(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  const bool backslash = text.find('\\') != std::string_view::npos;
  const bool quote = text.find('"') != std::string_view::npos;
  const bool apostrophe = text.find('\'') != std::string_view::npos;
  if (printable && !apostrophe && (backslash || quote))
    return std::string(1, '\'').append(text).append(1, '\'');
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      constexpr char hex[] = "0123456789abcdef";
      out.append("\\u00").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace plimsoll::config
