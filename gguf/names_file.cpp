#include "gguf/names_file.hpp"

#include <toml++/toml.h>

#include <algorithm>

#include "config/embedded_files.hpp"

namespace plimsoll::gguf {
namespace {

/// A failure that unwinds the reading of one file; it does not leave read_name_tables.
struct Wrong {
  std::string reason;
};

/// Rows and keys that families have in common, or have alone.
struct List {
  std::vector<std::string> like;
  std::vector<NameRow> rows;
  std::vector<std::string> left_out;
  std::map<std::string, std::string> config;
};

using Lists = std::map<std::string, List, std::less<>>;

/// A family as its file has it, before it is joined with what it is like.
struct WrittenFamily {
  Family family;
  std::vector<std::string> architectures;
  List own;
};

std::string text_of(const toml::node& node, std::string_view name) {
  const auto* text = node.as_string();
  if (!text) throw Wrong{std::string(name) + " is no text"};
  return text->get();
}

std::vector<std::string> texts_of(const toml::node& node, std::string_view name) {
  const toml::array* array = node.as_array();
  if (!array) throw Wrong{std::string(name) + " is no array"};
  std::vector<std::string> texts;
  for (const toml::node& element : *array) texts.push_back(text_of(element, name));
  return texts;
}

std::vector<NameRow> rows_of(const toml::node& node) {
  std::vector<NameRow> rows;
  for (const std::string& text : texts_of(node, "tensors")) {
    Expected<NameRow> row = parse_name_row(text);
    if (!row) throw Wrong{row.error().reason()};
    rows.push_back(std::move(*row));
  }
  return rows;
}

/// Whether the key is one that shared lists and families both have, which is read into `list`.
bool read_list_key(std::string_view key, const toml::node& node, List& list) {
  if (key == "like") {
    list.like = texts_of(node, key);
  } else if (key == "tensors") {
    list.rows = rows_of(node);
  } else if (key == "left_out") {
    list.left_out = texts_of(node, key);
  } else if (key == "config") {
    const toml::table* table = node.as_table();
    if (!table) throw Wrong{"config is no table"};
    for (const auto& [name, member] : *table) {
      list.config.emplace(name.str(), text_of(member, name.str()));
    }
  } else {
    return false;
  }
  return true;
}

const toml::table& table_of(const toml::node& node, std::string_view name) {
  const toml::table* table = node.as_table();
  if (!table) throw Wrong{std::string(name) + " is no table"};
  return *table;
}

WrittenFamily family_of(const toml::table& table) {
  WrittenFamily written;
  Family& family = written.family;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    if (name == "name") {
      family.name = text_of(node, name);
    } else if (name == "type") {
      family.model_type = text_of(node, name);
    } else if (name == "class") {
      family.class_name = text_of(node, name);
    } else if (name == "architectures") {
      written.architectures = texts_of(node, name);
    } else if (name == "joins") {
      family.joins = texts_of(node, name);
    } else if (!read_list_key(name, node, written.own)) {
      throw Wrong{"a family has no key " + std::string(name)};
    }
  }
  if (family.name.empty() || family.class_name.empty()) {
    throw Wrong{"a family needs a name and a class"};
  }
  if (family.model_type.empty()) family.model_type = family.name;
  return written;
}

FamilyChoice choice_of(const toml::table& table) {
  FamilyChoice choice;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    if (name == "architecture") {
      choice.architecture = text_of(node, name);
    } else if (name == "family") {
      choice.family = text_of(node, name);
    } else if (name == "general_name") {
      choice.general_name = text_of(node, name);
    } else if (name == "general_name_has") {
      choice.general_name_has = text_of(node, name);
    } else if (name == "experts") {
      const auto* truth = node.as_boolean();
      if (!truth) throw Wrong{"experts is neither true nor false"};
      choice.experts = truth->get();
    } else {
      throw Wrong{"a choice has no key " + std::string(name)};
    }
  }
  return choice;
}

/// Everything that all files say, before lists are joined.
struct Written {
  Lists lists;
  std::vector<WrittenFamily> families;
  std::vector<FamilyChoice> choices;
};

void read_file(std::string_view text, Written& written) {
  const toml::table root = toml::parse(text);
  for (const auto& [key, node] : root) {
    if (key == "shared") {
      for (const auto& [name, entry] : table_of(node, "shared")) {
        List list;
        for (const auto& [member, value] : table_of(entry, name.str())) {
          if (!read_list_key(member.str(), value, list)) {
            throw Wrong{"a shared list has no key " + std::string(member.str())};
          }
        }
        if (!written.lists.emplace(name.str(), std::move(list)).second) {
          throw Wrong{"the list " + std::string(name.str()) + " stands there twice"};
        }
      }
      continue;
    }
    const toml::array* entries = node.as_array();
    if (!entries || (key != "family" && key != "choice")) {
      throw Wrong{"name tables have no " + std::string(key.str())};
    }
    for (const toml::node& entry : *entries) {
      const toml::table& table = table_of(entry, key.str());
      if (key == "family") {
        written.families.push_back(family_of(table));
      } else {
        written.choices.push_back(choice_of(table));
      }
    }
  }
}

/// Appends `list` to `family`, then what it is like: what stands first counts.
void append(const List& list, const Lists& lists, int depth, Family& family,
            std::map<std::string, std::string>& config) {
  constexpr int deepest = 8;
  if (depth > deepest) throw Wrong{"lists are like each other without end"};
  family.rows.insert(family.rows.end(), list.rows.begin(), list.rows.end());
  family.left_out.insert(family.left_out.end(), list.left_out.begin(), list.left_out.end());
  config.insert(list.config.begin(), list.config.end());
  for (const std::string& name : list.like) {
    const auto other = lists.find(name);
    if (other == lists.end()) throw Wrong{"there is no list " + name};
    append(other->second, lists, depth + 1, family, config);
  }
}

NameTables joined(Written written) {
  NameTables tables;
  tables.choices = std::move(written.choices);
  for (WrittenFamily& each : written.families) {
    std::map<std::string, std::string> config;
    append(each.own, written.lists, 0, each.family, config);
    each.family.config.assign(config.begin(), config.end());
    for (std::string& architecture : each.architectures) {
      tables.choices.push_back({std::move(architecture), each.family.name, {}, {}, false});
    }
    tables.families.push_back(std::move(each.family));
  }
  for (const FamilyChoice& choice : tables.choices) {
    if (!tables.family(choice.family)) throw Wrong{"there is no family " + choice.family};
  }
  return tables;
}

}  // namespace

const Family* NameTables::family(std::string_view name) const noexcept {
  const auto found = std::ranges::find(families, name, &Family::name);
  return found == families.end() ? nullptr : &*found;
}

Expected<NameTables> read_name_tables(
    const std::vector<std::pair<std::string, std::string_view>>& files) {
  std::string at;
  try {
    Written written;
    for (const auto& [name, text] : files) {
      at = name;
      read_file(text, written);
    }
    return joined(std::move(written));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid_config, std::string(error.description()), at);
  } catch (const Wrong& wrong) {
    return fail(ErrorCode::invalid_config, wrong.reason, at);
  }
}

Expected<NameTables> shipped_name_tables() {
  std::vector<std::pair<std::string, std::string_view>> files;
  for (const config::EmbeddedFile& file : config::embedded_gguf_names()) {
    files.emplace_back("config/gguf/" + std::string(file.name) + ".toml", file.text);
  }
  return read_name_tables(files);
}

}  // namespace plimsoll::gguf
