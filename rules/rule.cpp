#include "rules/rule.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace plimsoll::rules {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  Words words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(blanks), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

tl::unexpected<Error> wrong(std::string reason) {
  return fail(ErrorCode::invalid_config, std::move(reason));
}

/// The sections of a rule with an arrow: "FROM... -> TO... by OPERATION... back PATTERN...".
struct Sections {
  Words from;
  Words to;
  std::optional<Words> by;
  std::optional<Words> back;
};

Expected<Sections> sections_of(const Words& words, std::size_t first) {
  Sections out;
  Words* section = &out.from;
  bool arrow = false;
  for (std::size_t i = first; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "->") {
      if (arrow) return wrong("a rule has one arrow");
      arrow = true;
      section = &out.to;
    } else if (arrow && word == "by" && !out.by && !out.back) {
      section = &out.by.emplace();
    } else if (arrow && word == "back" && !out.back) {
      section = &out.back.emplace();
    } else {
      section->push_back(word);
    }
  }
  if (!arrow) return wrong("a rule is written FROM -> TO, \"add PREFIX\" or \"remove PREFIX\"");
  if (out.from.empty()) return wrong("there is no pattern before the arrow");
  if (out.to.empty()) return wrong("there is no name after the arrow");
  if (out.by && out.by->empty()) return wrong("there is no operation after \"by\"");
  if (out.back && out.back->empty()) return wrong("there is no pattern after \"back\"");
  return out;
}

Expected<Rule> prefix_of(const Words& words) {
  PrefixChange change;
  change.add = words[0] == "add";
  const bool below = words.size() == 4 && words[2] == "below";
  if (words.size() != 2 && !below) {
    return wrong("a prefix is written \"" + words[0] + " PREFIX\" or \"" + words[0] +
                 " PREFIX below PARENT\"");
  }
  change.prefix = words[1];
  if (below) change.below = words[3];
  return change;
}

Expected<Rule> group_of(const Words& words) {
  Expected<Sections> sections = sections_of(words, 1);
  if (!sections) return fail(sections.error());
  if (sections->by || sections->back) return wrong("a group only renames");
  if (sections->from.size() != sections->to.size()) {
    return wrong("a group has as many names as patterns");
  }
  return GroupRename{std::move(sections->from), std::move(sections->to)};
}

Expected<Rule> shift_of(const Words& words) {
  IndexRename rename;
  std::string_view offset = words.size() > 1 ? std::string_view(words[1]) : std::string_view();
  if (offset.starts_with('+')) offset.remove_prefix(1);
  const auto [end, error] =
      std::from_chars(offset.data(), offset.data() + offset.size(), rename.offset);
  constexpr std::int64_t largest = 1'000'000;
  if (error != std::errc{} || end != offset.data() + offset.size() || rename.offset > largest ||
      rename.offset < -largest) {
    return wrong("a shift is written \"shift +1 FROM -> TO\"");
  }
  Expected<Sections> sections = sections_of(words, 2);
  if (!sections) return fail(sections.error());
  if (sections->by || sections->back || sections->from.size() != 1 || sections->to.size() != 1) {
    return wrong("a shift has one pattern and one name");
  }
  rename.from = std::move(sections->from[0]);
  rename.to = std::move(sections->to[0]);
  return rename;
}

Expected<Rule> convert_of(Sections sections) {
  Convert convert{std::move(sections.from), std::move(sections.to), {}, {}};
  bool many_to_many = false;
  for (const std::string& word : *sections.by) {
    Expected<Operation> operation = parse_operation(word);
    if (!operation) return fail(operation.error());
    many_to_many = many_to_many || std::holds_alternative<ErnieFuseAndSplit>(*operation) ||
                   std::holds_alternative<ErnieSplitAndDecouple>(*operation);
    convert.operations.push_back(std::move(*operation));
  }
  if (convert.from.size() > 1 && convert.to.size() > 1 && !many_to_many) {
    return wrong("these operations take several patterns or give several names, not both");
  }
  if (sections.back) convert.back = std::move(*sections.back);
  return convert;
}

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

struct Writer {
  static std::string back(const Words& patterns) {
    return patterns.empty() ? "" : std::string(" back ").append(joined(patterns));
  }

  std::string operator()(const Rename& rule) const {
    return joined(rule.from) + " -> " + rule.to + back(rule.back);
  }
  std::string operator()(const PrefixChange& rule) const {
    std::string text(rule.add ? "add " : "remove ");
    text += rule.prefix;
    if (!rule.below.empty()) text.append(" below ").append(rule.below);
    return text;
  }
  std::string operator()(const GroupRename& rule) const {
    return std::string("group ").append(joined(rule.from)).append(" -> ").append(joined(rule.to));
  }
  std::string operator()(const IndexRename& rule) const {
    std::string text(rule.offset < 0 ? "shift " : "shift +");
    text += std::to_string(rule.offset) + " " + rule.from + " -> " + rule.to;
    return text;
  }
  std::string operator()(const Convert& rule) const {
    std::string text = joined(rule.from) + " -> " + joined(rule.to) + " by";
    for (const Operation& operation : rule.operations) text.append(" ").append(text_of(operation));
    return text + back(rule.back);
  }
};

}  // namespace

Expected<Rule> parse_rule(std::string_view text) {
  const Words words = words_of(text);
  if (words.empty()) return wrong("a rule is empty");
  if (words[0] == "add" || words[0] == "remove") return prefix_of(words);
  if (words[0] == "group") return group_of(words);
  if (words[0] == "shift") return shift_of(words);
  Expected<Sections> sections = sections_of(words, 0);
  if (!sections) return fail(sections.error());
  if (sections->by) return convert_of(std::move(*sections));
  if (sections->to.size() != 1) return wrong("a rename has one name after the arrow");
  return Rename{std::move(sections->from), std::move(sections->to[0]),
                std::move(sections->back).value_or(Words{})};
}

std::string text_of(const Rule& rule) {
  return std::visit(Writer{}, rule);
}

}  // namespace plimsoll::rules
