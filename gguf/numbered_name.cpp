#include "gguf/numbered_name.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll::gguf {
namespace {

bool is_number(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

NumberedName numbered(std::string_view name) {
  NumberedName made;
  made.pattern.reserve(name.size());
  bool first = true;
  for_each_part(name, [&](std::string_view part) {
    if (!std::exchange(first, false)) made.pattern += '.';
    const bool number = is_number(part);
    if (number) made.numbers.push_back(part);
    made.pattern += number ? "*" : part;
  });
  return made;
}

std::string starred(std::string_view pattern) {
  std::string out;
  bool first = true;
  for_each_part(pattern, [&](std::string_view part) {
    if (!std::exchange(first, false)) out += '.';
    out += part == "N" || part == "E" ? "*" : part;
  });
  return out;
}

}  // namespace plimsoll::gguf
