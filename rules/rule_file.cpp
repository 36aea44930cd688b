#include "rules/rule_file.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <limits>
#include <optional>
#include <set>

namespace plimsoll::rules {
namespace {

/// A failure that unwinds the reading of one file; it does not leave read_rules.
struct Wrong {
  std::string reason;
  std::uint64_t line;
};

std::uint64_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

[[noreturn]] void refuse(const toml::node& node, std::string reason) {
  throw Wrong{std::move(reason), line_of(node)};
}

const toml::table& table_of(const toml::node& node, const std::string& name) {
  const toml::table* table = node.as_table();
  if (!table) refuse(node, name + " is no table");
  return *table;
}

std::string text_of(const toml::node& node, const std::string& name) {
  const auto* text = node.as_string();
  if (!text) refuse(node, name + " is no text");
  return text->get();
}

std::vector<std::string> texts_of(const toml::node& node, const std::string& name) {
  const toml::array* array = node.as_array();
  if (!array) refuse(node, name + " is no array");
  std::vector<std::string> out;
  for (const toml::node& element : *array) {
    out.push_back(text_of(element, "an element of " + name));
    if (out.back().empty()) refuse(element, "an element of " + name + " is empty");
  }
  return out;
}

bool truth_of(const toml::node& node, const std::string& name) {
  const auto* truth = node.as_boolean();
  if (!truth) refuse(node, name + " is neither true nor false");
  return truth->get();
}

WrittenList list_of(std::string key, const toml::table& table) {
  WrittenList list;
  list.keys.push_back(std::move(key));
  const toml::array* rules = nullptr;
  for (const auto& [name, node] : table) {
    if (name == "also") {
      for (std::string& other : texts_of(node, "also")) list.keys.push_back(std::move(other));
    } else if (name == "list") {
      rules = node.as_array();
      if (!rules) refuse(node, "list is no array");
    } else {
      refuse(node, "a list of rules has no key " + std::string(name.str()));
    }
  }
  if (!rules) refuse(table, "there is no list");
  for (const toml::node& element : *rules) {
    Expected<Rule> rule = parse_rule(text_of(element, "a rule"));
    if (!rule) refuse(element, rule.error().reason());
    list.rules.emplace_back(std::move(*rule), line_of(element));
  }
  return list;
}

/// "KEY" or "KEY @ SCOPE"; "KEY @" has an empty scope.
ListUse use_of(std::string_view text, const toml::node& node) {
  const std::size_t at = text.find(" @");
  ListUse use{std::string(text.substr(0, at)), std::nullopt};
  if (at != std::string_view::npos) {
    std::string_view scope = text.substr(at + 2);
    if (scope.starts_with(' ')) scope.remove_prefix(1);
    use.scope = std::string(scope);
  }
  if (use.key.empty() || use.key.find(' ') != std::string::npos) {
    refuse(node, "rules are named KEY or KEY @ SCOPE");
  }
  return use;
}

void read_tied(const toml::node& node, Architecture& facts) {
  if (const auto* count = node.as_integer()) {
    if (count->get() < 1) refuse(node, "tied counts nothing");
    facts.tied_count = static_cast<std::uint64_t>(count->get());
    return;
  }
  constexpr std::string_view equals = " = ";
  for (const std::string& pair : texts_of(node, "tied")) {
    const std::size_t at = pair.find(equals);
    if (at == std::string::npos || at == 0 || at + equals.size() == pair.size()) {
      refuse(node, "tied tensors are written TENSOR = TENSOR");
    }
    facts.tied.emplace_back(pair.substr(0, at), pair.substr(at + equals.size()));
  }
}

WrittenArchitecture architecture_of(std::string model_type, const toml::table& table) {
  WrittenArchitecture written;
  written.line = line_of(table);
  Architecture& facts = written.facts;
  facts.model_type = std::move(model_type);
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (name == "classes") {
      written.classes = texts_of(node, name);
    } else if (name == "base") {
      facts.base = text_of(node, name);
    } else if (name == "rules") {
      for (const std::string& text : texts_of(node, name))
        facts.lists.push_back(use_of(text, node));
    } else if (name == "fp32") {
      facts.fp32 = texts_of(node, name);
    } else if (name == "fp32_if_fp16") {
      facts.fp32_if_fp16 = texts_of(node, name);
    } else if (name == "tied") {
      read_tied(node, facts);
    } else if (name == "ignore_unexpected") {
      facts.ignore_unexpected = texts_of(node, name);
    } else if (name == "ignore_missing") {
      facts.ignore_missing = texts_of(node, name);
    } else if (name == "published_merged") {
      facts.published_merged = truth_of(node, name);
    } else {
      refuse(node, "an architecture has no key " + name);
    }
  }
  if (written.classes.empty()) refuse(table, "there are no classes");
  return written;
}

void read_architectures(const toml::table& types, std::vector<WrittenArchitecture>& out) {
  std::set<std::string> seen;
  for (const auto& [type, node] : types) {
    const toml::array* groups = node.as_array();
    if (!groups) refuse(node, "architectures stand in [[architectures.MODEL_TYPE]]");
    for (const toml::node& group : *groups) {
      out.push_back(architecture_of(std::string(type.str()), table_of(group, "an architecture")));
      for (const std::string& name : out.back().classes) {
        if (!seen.insert(name).second) refuse(group, "the class " + name + " stands there twice");
      }
    }
  }
}

void read_lists(const toml::table& lists, std::vector<WrittenList>& out) {
  std::set<std::string> seen;
  for (const auto& [key, node] : lists) {
    const std::string name(key.str());
    out.push_back(list_of(name, table_of(node, "rules." + name)));
    for (const std::string& each : out.back().keys) {
      if (!seen.insert(each).second) refuse(node, "the rules " + each + " stand there twice");
    }
  }
}

/// toml++ takes keys and nested values apart by recursion, which a hostile file could drive deep.
/// Nothing that people write comes near the limit.
std::optional<std::uint64_t> line_nested_too_deep(std::string_view text) {
  constexpr std::ptrdiff_t most = 10'000;
  const auto dots_or_brackets = [](char c) { return c == '.' || c == '[' || c == '{'; };
  std::uint64_t line = 1;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    if (std::count_if(row.begin(), row.end(), dots_or_brackets) > most) return line;
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
  }
  return std::nullopt;
}

}  // namespace

std::string place_of(const std::string& file, std::uint64_t line) {
  return file + ":" + std::to_string(line);
}

Expected<WrittenRules> read_rules(std::string_view text, const std::string& file) {
  if (const auto line = line_nested_too_deep(text)) {
    return fail(ErrorCode::invalid_config, "too much in one line", place_of(file, *line));
  }
  try {
    const toml::table root = toml::parse(text);
    WrittenRules written;
    for (const auto& [key, node] : root) {
      if (key == "rules") {
        read_lists(table_of(node, "rules"), written.lists);
      } else if (key == "architectures") {
        read_architectures(table_of(node, "architectures"), written.architectures);
      } else {
        refuse(node, "a rules file has no table " + std::string(key.str()));
      }
    }
    return written;
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid_config, std::string(error.description()),
                place_of(file, error.source().begin.line));
  } catch (const Wrong& wrong) {
    return fail(ErrorCode::invalid_config, wrong.reason, place_of(file, wrong.line));
  }
}

}  // namespace plimsoll::rules
