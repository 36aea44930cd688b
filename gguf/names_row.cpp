#include "gguf/names_row.hpp"

#include <charconv>
#include <utility>
#include <vector>

namespace plimsoll::gguf {
namespace {

constexpr std::string_view blanks = " \t\r\n";

/// The words of a text; what stands in brackets is one with its word.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0;;) {
    at = text.find_first_not_of(blanks, at);
    if (at == std::string_view::npos) return words;
    std::size_t end = at;
    bool inside = false;
    while (end < text.size() && (inside || blanks.find(text[end]) == std::string_view::npos)) {
      if (text[end] == '(') inside = true;
      if (text[end] == ')') inside = false;
      ++end;
    }
    words.push_back(text.substr(at, end - at));
    at = end;
  }
}

/// Whether one of the dotted parts of a name is `part`.
bool has_part(std::string_view name, std::string_view part) {
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    if (name.substr(0, dot) == part) return true;
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return false;
}

std::optional<Unsqueeze> unsqueeze_of(std::string_view arguments) {
  Unsqueeze made;
  const char* const end = arguments.data() + arguments.size();
  const auto axis = std::from_chars(arguments.data(), end, made.axis);
  if (axis.ec != std::errc() || end - axis.ptr < 2 || *axis.ptr != ',') return std::nullopt;
  const char* next = axis.ptr + 1;
  while (next != end && *next == ' ') ++next;
  const auto rank = std::from_chars(next, end, made.rank);
  if (rank.ec != std::errc() || rank.ptr != end || made.axis >= made.rank) return std::nullopt;
  return made;
}

bool read_heads(std::string_view argument, HeadKind& heads) {
  if (argument == "heads") heads = HeadKind::query;
  if (argument == "kv_heads") heads = HeadKind::key_value;
  return argument == "heads" || argument == "kv_heads";
}

/// Whether `word` is an operation, which is added to `operations`.
bool read_operation(std::string_view word, Operations& operations) {
  const std::size_t open = word.find('(');
  const std::string_view name = word.substr(0, open);
  std::string_view argument;
  if (open != std::string_view::npos) {
    if (!word.ends_with(')')) return false;
    argument = word.substr(open + 1, word.size() - open - 2);
  }
  if (name == "unsqueeze") {
    operations.unsqueeze = unsqueeze_of(argument);
    return operations.unsqueeze.has_value();
  }
  if (name == "rope_halves" || name == "heads_outermost") {
    operations.reorder = name == "rope_halves" ? Reorder::rope_halves : Reorder::heads_outermost;
    return read_heads(argument, operations.heads);
  }
  if (name == "transpose") operations.reorder = Reorder::transpose;
  if (name == "subtract_one") operations.map = codecs::ElementMap::subtract_one;
  if (name == "log_negate") operations.map = codecs::ElementMap::log_negate;
  return argument.empty() &&
         (name == "transpose" || name == "subtract_one" || name == "log_negate");
}

}  // namespace

Expected<NameRow> parse_name_row(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() < 3 || words[1] != "->") {
    return fail(ErrorCode::invalid_config, "a row of names is written FROM -> TO");
  }
  NameRow row{std::string(words[0]), std::string(words[2]), {}, {}, {}};
  if (has_part(row.to, "N") && !has_part(row.from, "N")) {
    return fail(ErrorCode::invalid_config, "nothing tells the number N of " + row.to);
  }
  std::size_t at = 3;
  if (at + 1 < words.size() && (words[at] == "if" || words[at] == "unless")) {
    row.condition =
        words[at] == "if" ? NameRow::Condition::if_present : NameRow::Condition::unless_present;
    row.other = words[at + 1];
    at += 2;
  }
  if (at == words.size()) return row;
  if (words[at] != "by" || at + 1 == words.size()) {
    return fail(ErrorCode::invalid_config,
                "a row of names cannot go on with " + std::string(words[at]));
  }
  while (++at < words.size()) {
    if (!read_operation(words[at], row.operations)) {
      return fail(ErrorCode::invalid_config, std::string(words[at]) + " is no operation on names");
    }
  }
  return row;
}

}  // namespace plimsoll::gguf
