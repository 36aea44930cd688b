#include "config/family_patterns.hpp"

#include <toml++/toml.h>
#include <utility>

#include "config/embedded_files.hpp"

namespace plimsoll::config {
namespace {

std::vector<std::string> strings_of(const toml::node* node) {
  std::vector<std::string> out;
  const toml::array* array = node ? node->as_array() : nullptr;
  if (!array) return out;
  for (const toml::node& element : *array) {
    if (const auto* text = element.as_string()) out.push_back(text->get());
  }
  return out;
}

/// One pattern that is found where any of `texts` is.
Pattern any_of(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    joined.append(joined.empty() ? "(?:" : "|(?:").append(text).append(")");
  }
  Expected<Pattern> pattern = Pattern::compile(joined);
  if (!pattern) throw Error(ErrorCode::internal, "shipped pattern: " + pattern.error().reason());
  return std::move(*pattern);
}

std::string_view embedded_text(std::string_view name) {
  for (const EmbeddedFile& file : embedded_patterns()) {
    if (file.name == name) return file.text;
  }
  throw Error(ErrorCode::internal, "no shipped patterns are called " + std::string(name));
}

bool found(const Pattern& pattern, std::string_view name) {
  return pattern.search(name).value_or(true);
}

}  // namespace

struct PatternFile::Contents {
  toml::table root;
};

PatternFile::PatternFile(std::string_view name) try
    : contents_(std::make_unique<const Contents>(Contents{toml::parse(embedded_text(name))})) {
} catch (const toml::parse_error& error) {
  throw Error(ErrorCode::internal, "shipped patterns: " + std::string(error.description()));
}
PatternFile::PatternFile(PatternFile&&) noexcept = default;
PatternFile::~PatternFile() = default;

FamilyPatterns PatternFile::patterns(std::string_view table, std::string_view family) const {
  std::vector<std::string> general;
  if (const toml::table* section = contents_->root.get_as<toml::table>(table)) {
    for (const auto& [key, node] : *section) {
      for (std::string& text : strings_of(&node)) general.push_back(std::move(text));
    }
  }
  std::map<std::string, std::vector<std::string>> by_type;
  if (const toml::array* families = contents_->root.get_as<toml::array>("family")) {
    for (const toml::node& entry : *families) {
      const toml::table* members = entry.as_table();
      if (!members) continue;
      const std::vector<std::string> texts = strings_of(members->get(family));
      if (texts.empty()) continue;
      for (const std::string& type : strings_of(members->get("types"))) {
        by_type[type].insert(by_type[type].end(), texts.begin(), texts.end());
      }
    }
  }
  FamilyPatterns out;
  if (!general.empty()) out.general_.emplace(any_of(general));
  for (const auto& [type, texts] : by_type) out.by_type_.emplace(type, any_of(texts));
  return out;
}

std::vector<std::string> PatternFile::words(std::string_view table, std::string_view key) const {
  const toml::table* section = contents_->root.get_as<toml::table>(table);
  return strings_of(section ? section->get(key) : nullptr);
}

bool FamilyPatterns::match(std::string_view name, std::string_view model_type) const {
  if (general_ && found(*general_, name)) return true;
  const auto family = by_type_.find(model_type);
  return family != by_type_.end() && found(family->second, name);
}

}  // namespace plimsoll::config
