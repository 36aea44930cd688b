#include "gguf/names.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace plimsoll::gguf {
namespace {

constexpr std::string_view suffixes[] = {".weight", ".bias"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool has_experts(const io::GgufMetadata& metadata, std::string_view architecture) {
  const io::GgufValue* count = metadata.find(std::string(architecture) + ".expert_count");
  return count && count->unsigned_at(0).value_or(0) > 0;
}

bool has_conditions(const Family& family) {
  return std::ranges::any_of(
      family.rows, [](const NameRow& row) { return row.condition != NameRow::Condition::none; });
}

bool fits(const FamilyChoice& choice, std::string_view architecture, std::string_view name,
          const io::GgufMetadata& metadata) {
  if (choice.architecture != architecture) return false;
  if (!choice.general_name.empty() && choice.general_name != name) return false;
  if (!choice.general_name_has.empty() &&
      lower(name).find(choice.general_name_has) == std::string::npos) {
    return false;
  }
  return !choice.experts || has_experts(metadata, architecture);
}

}  // namespace

Expected<const Family*> family_of(const NameTables& tables, const io::GgufMetadata& metadata,
                                  const std::string& file) {
  const auto architecture = metadata.string_of("general.architecture", file);
  if (!architecture) return fail(architecture.error());
  const io::GgufValue* value = metadata.find("general.name");
  const std::string_view name = value ? value->string_at(0).value_or("") : std::string_view();
  for (const FamilyChoice& choice : tables.choices) {
    if (fits(choice, *architecture, name, metadata)) return tables.family(choice.family);
  }
  return fail(ErrorCode::unsupported,
              "there is no table of Hugging Face names for the architecture '" +
                  std::string(architecture->substr(0, 200)) +
                  "'; --layout gguf keeps the names that the file has",
              file);
}

HubNames::HubNames(const Family& family, std::vector<std::string_view> tensors)
    : tensors_(has_conditions(family) ? std::move(tensors) : std::vector<std::string_view>()) {
  for (const NameRow& row : family.rows) rows_[starred(row.from)].push_back(&row);
  for (const std::string& pattern : family.left_out) left_out_.insert(starred(pattern));
}

bool HubNames::holds(const NameRow& row, const NumberedName& name) const {
  if (row.condition == NameRow::Condition::none) return true;
  std::string other;
  for_each_part(row.other, [&](std::string_view part) {
    if (!other.empty()) other += '.';
    other += part == "N" && !name.numbers.empty() ? name.numbers.front() : part;
  });
  return tensors_.find(other).has_value() == (row.condition == NameRow::Condition::if_present);
}

const NameRow* HubNames::row_of(std::string_view pattern, const NumberedName& name) const {
  const auto rows = rows_.find(pattern);
  if (rows == rows_.end()) return nullptr;
  const auto row =
      std::ranges::find_if(rows->second, [&](const NameRow* each) { return holds(*each, name); });
  return row == rows->second.end() ? nullptr : *row;
}

void HubNames::spell(const NumberedName& from, std::string_view suffix, HubName& named) {
  std::string* out = &named.name;
  bool first = true;
  for_each_part(named.row->to, [&](std::string_view part) {
    if (!std::exchange(first, false)) *out += '.';
    if (part == "N") {
      *out += from.numbers.front();
    } else if (part != "E") {
      *out += part;
    } else if (from.numbers.size() > 1) {
      *out += from.numbers[1];
    } else {
      named.in_parts = true;
      out = &named.rest;
    }
  });
  *out += suffix;
}

HubName HubNames::of(std::string_view tensor) const {
  HubName named;
  const NumberedName name = numbered(tensor);
  if (!name.numbers.empty()) {
    std::uint64_t layer = 0;
    const std::string_view text = name.numbers.front();
    if (std::from_chars(text.data(), text.data() + text.size(), layer).ec == std::errc()) {
      named.layer = layer;
    }
  }
  std::string_view suffix;
  named.row = row_of(name.pattern, name);
  for (std::size_t i = 0; !named.row && i < std::size(suffixes); ++i) {
    const std::string_view pattern = name.pattern;
    if (!pattern.ends_with(suffixes[i])) continue;
    suffix = suffixes[i];
    named.row = row_of(pattern.substr(0, pattern.size() - suffix.size()), name);
  }
  if (named.row) {
    named.fate = HubName::Fate::named;
    spell(name, suffix, named);
  } else if (left_out_.contains(name.pattern)) {
    named.fate = HubName::Fate::left_out;
  }
  return named;
}

}  // namespace plimsoll::gguf
