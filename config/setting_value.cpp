#include "config/setting_value.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

#include "config/device_names.hpp"
#include "config/nearest.hpp"
#include "config/pattern.hpp"
#include "config/recipe_text.hpp"
#include "config/setting_text.hpp"
#include "config/size_text.hpp"

namespace plimsoll::config {
namespace {

using Problem = std::optional<std::string>;

std::string type_name(const RawValue& value) {
  if (const auto* foreign = std::get_if<ForeignValue>(&value)) return foreign->type;
  constexpr std::string_view names[] = {"a boolean", "an integer", "a string", "an array",
                                        "the option"};
  return std::string(names[value.index()]);
}

/// The one text of a value, for the settings that are written as a string. An option that takes one
/// value and is written twice is a mistake worth telling.
std::optional<std::string> single_text(const RawValue& value, Problem& problem) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* option = std::get_if<OptionTexts>(&value)) {
    if (option->texts.size() == 1) return option->texts.front();
    problem = option->texts.empty() ? "needs a value" : "is given more than once";
    return std::nullopt;
  }
  problem = "expected a string, found " + type_name(value);
  return std::nullopt;
}

std::optional<std::vector<std::string>> several_texts(const RawValue& value, Problem& problem) {
  if (const auto* text = std::get_if<std::string>(&value)) return std::vector{*text};
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) return *list;
  if (const auto* option = std::get_if<OptionTexts>(&value)) return option->texts;
  problem = "expected a string or an array of strings, found " + type_name(value);
  return std::nullopt;
}

Problem check_range(const SettingSchema& setting, std::uint64_t number) {
  if (number >= setting.least && number <= setting.most) return std::nullopt;
  return std::to_string(number) + " is out of range (" + range_text(setting) + ")";
}

Problem negative(std::int64_t number, const SettingSchema& setting) {
  return std::to_string(number) + " is out of range (" + range_text(setting) + ")";
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || stop != end || text.empty()) return std::nullopt;
  return number;
}

Problem read(const SettingSchema&, const RawValue& value, bool negated, bool& place) {
  bool on = true;
  if (const auto* flag = std::get_if<bool>(&value)) {
    on = *flag;
  } else if (const auto* option = std::get_if<OptionTexts>(&value)) {
    // A switch may be written any number of times; its last text, if it has one, counts.
    const std::string text = option->texts.empty() ? "true" : option->texts.back();
    if (text != "true" && text != "false") return "\"" + text + "\" is neither true nor false";
    on = text == "true";
  } else {
    return "expected true or false, found " + type_name(value);
  }
  place = on != negated;
  return std::nullopt;
}

Problem read(const SettingSchema& setting, const RawValue& value, bool, std::uint32_t& place) {
  std::uint64_t number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (*integer < 0) return negative(*integer, setting);
    number = static_cast<std::uint64_t>(*integer);
  } else if (std::holds_alternative<OptionTexts>(value)) {
    Problem problem;
    const std::optional<std::string> text = single_text(value, problem);
    if (!text) return problem;
    const std::optional<std::uint64_t> read_number = whole_number(*text);
    if (!read_number) return "\"" + *text + "\" is not a whole number";
    number = *read_number;
  } else {
    return "expected an integer, found " + type_name(value);
  }
  if (Problem problem = check_range(setting, number)) return problem;
  place = static_cast<std::uint32_t>(number);
  return std::nullopt;
}

Problem read(const SettingSchema& setting, const RawValue& value, bool, std::uint64_t& place) {
  std::uint64_t bytes = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (*integer < 0) return negative(*integer, setting);
    bytes = static_cast<std::uint64_t>(*integer);
  } else if (!std::holds_alternative<std::string>(value) &&
             !std::holds_alternative<OptionTexts>(value)) {
    return "expected a number of bytes or a string such as \"1GiB\", found " + type_name(value);
  } else {
    Problem problem;
    const std::optional<std::string> text = single_text(value, problem);
    if (!text) return problem;
    const std::optional<std::uint64_t> size = parse_size(*text);
    if (!size) {
      return "\"" + *text +
             "\" is not a size below 2^64 bytes (bytes, or with kB, MB, GB, TB, KiB, MiB, GiB or "
             "TiB)";
    }
    bytes = *size;
  }
  if (Problem problem = check_range(setting, bytes)) return problem;
  place = bytes;
  return std::nullopt;
}

Problem read(const SettingSchema& setting, const RawValue& value, bool negated,
             std::optional<std::uint64_t>& place) {
  std::uint64_t bytes = 0;
  if (Problem problem = read(setting, value, negated, bytes)) return problem;
  place = bytes;
  return std::nullopt;
}

Problem read(const SettingSchema&, const RawValue& value, bool, std::string& place) {
  Problem problem;
  std::optional<std::string> text = single_text(value, problem);
  if (!text) return problem;
  if (text->find('\0') != std::string::npos) return "a path cannot contain a zero byte";
  // In a file an empty text is the default: none. Who writes an option means something by it.
  if (text->empty() && std::holds_alternative<OptionTexts>(value)) return "a path cannot be empty";
  place = std::move(*text);
  return std::nullopt;
}

template <class Choice>
requires std::is_enum_v<Choice> Problem read(const SettingSchema&, const RawValue& value, bool,
                                             Choice& place) {
  Problem problem;
  const std::optional<std::string> text = single_text(value, problem);
  if (!text) return problem;
  const std::span<const std::string_view> words = choices(&place);
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found == words.end()) {
    return "\"" + *text + "\" is not " + word_list(words) + did_you_mean(*text, words);
  }
  place = static_cast<Choice>(found - words.begin());
  return std::nullopt;
}

/// What one text says, as `parse` understands it.
template <class Value>
Problem read_one(const RawValue& value, Expected<Value> (*parse)(std::string_view),
                 std::optional<Value>& place) {
  Problem problem;
  const std::optional<std::string> text = single_text(value, problem);
  if (!text) return problem;
  Expected<Value> parsed = parse(*text);
  if (!parsed) return parsed.error().reason();
  place = std::move(*parsed);
  return std::nullopt;
}

/// What each text of a list says.
template <class Value>
Problem read_each(const RawValue& value, Expected<Value> (*parse)(std::string_view),
                  std::vector<Value>& place) {
  Problem problem;
  const std::optional<std::vector<std::string>> texts = several_texts(value, problem);
  if (!texts) return problem;
  std::vector<Value> all;
  for (const std::string& text : *texts) {
    Expected<Value> parsed = parse(text);
    if (!parsed) return parsed.error().reason();
    all.push_back(std::move(*parsed));
  }
  place = std::move(all);
  return std::nullopt;
}

Problem read(const SettingSchema&, const RawValue& value, bool,
             std::optional<codecs::Format>& place) {
  return read_one(value, parse_target, place);
}

Problem read(const SettingSchema&, const RawValue& value, bool,
             std::optional<ParallelRank>& place) {
  return read_one(value, parse_parallel, place);
}

Problem read(const SettingSchema&, const RawValue& value, bool, std::vector<MatchRule>& place) {
  return read_each(value, parse_match, place);
}

Problem read(const SettingSchema&, const RawValue& value, bool, std::vector<SliceRule>& place) {
  return read_each(value, parse_slice, place);
}

Problem read(const SettingSchema&, const RawValue& value, bool,
             std::optional<std::vector<std::string>>& place) {
  Problem problem;
  const std::optional<std::vector<std::string>> texts = several_texts(value, problem);
  if (!texts) return problem;
  std::vector<std::string> patterns;
  for (const std::string& text : *texts) {
    // The empty text stands for "no pattern": `--skip ''` empties the list.
    if (text.empty()) continue;
    const Expected<Pattern> pattern = Pattern::compile(text);
    if (!pattern) return pattern.error().reason();
    patterns.push_back(text);
  }
  place = std::move(patterns);
  return std::nullopt;
}

Problem read(const SettingSchema&, const RawValue& value, bool, std::vector<std::string>& place) {
  Problem problem;
  const std::optional<std::vector<std::string>> texts = several_texts(value, problem);
  if (!texts) return problem;
  std::vector<std::string> devices;
  problem = parse_devices(*texts, devices);
  if (!problem) place = std::move(devices);
  return problem;
}

}  // namespace

std::optional<std::string> assign(const SettingSchema& setting, const RawValue& value, bool negated,
                                  Settings& settings) {
  return std::visit([&](auto* place) { return read(setting, value, negated, *place); },
                    setting.place(settings));
}

}  // namespace plimsoll::config
