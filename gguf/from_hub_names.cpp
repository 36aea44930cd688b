#include "gguf/from_hub_names.hpp"

#include <charconv>
#include <utility>

#include "gguf/numbered_name.hpp"

namespace plimsoll::gguf {
namespace {

constexpr std::string_view suffixes[] = {".weight", ".bias"};

bool has_part(std::string_view name, std::string_view wanted) {
  bool found = false;
  for_each_part(name, [&](std::string_view part) { found = found || part == wanted; });
  return found;
}

/// Whether a row makes parts of one tensor of a file.
bool takes_apart(const NameRow& row) {
  return has_part(row.to, "E") && !has_part(row.from, "E");
}

std::optional<std::uint64_t> value_of(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

/// The row's name in the file, with the numbers that stand on the other side.
std::optional<GgufName> spelled(const NameRow& row, const NumberedName& from,
                                std::string_view suffix) {
  GgufName made{&row, {}, {}, 0};
  if (!from.numbers.empty()) {
    const auto layer = value_of(from.numbers.front());
    if (!layer) return std::nullopt;
    made.layer = *layer;
  }
  if (takes_apart(row)) {
    made.part = value_of(from.numbers.back());
    if (!made.part) return std::nullopt;
  }
  bool first = true;
  for_each_part(row.from, [&](std::string_view part) {
    if (!std::exchange(first, false)) made.name += '.';
    made.name += part == "N" ? from.numbers.front() : part == "E" ? from.numbers.back() : part;
  });
  made.name += suffix;
  return made;
}

}  // namespace

GgufNames::GgufNames(const Family& family) {
  for (const bool apart : {true, false}) {
    for (const NameRow& row : family.rows) {
      if (row.condition == NameRow::Condition::none && takes_apart(row) == apart) {
        rows_.try_emplace(starred(row.to), &row);
      }
    }
  }
}

std::optional<GgufName> GgufNames::of(std::string_view tensor) const {
  const NumberedName name = numbered(tensor);
  if (const auto row = rows_.find(name.pattern); row != rows_.end()) {
    return spelled(*row->second, name, {});
  }
  for (const std::string_view suffix : suffixes) {
    std::string_view pattern = name.pattern;
    if (!pattern.ends_with(suffix)) continue;
    pattern.remove_suffix(suffix.size());
    if (const auto row = rows_.find(pattern); row != rows_.end()) {
      return spelled(*row->second, name, suffix);
    }
  }
  return std::nullopt;
}

}  // namespace plimsoll::gguf
