#include "rules/name_glob.hpp"

#include <cstddef>

namespace plimsoll::rules {

bool matches_numbers(std::string_view glob, std::string_view name) noexcept {
  std::size_t at = 0;
  for (char c : glob) {
    if (c != '*') {
      if (at == name.size() || name[at] != c) return false;
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < name.size() && name[at] >= '0' && name[at] <= '9') ++at;
    if (at == begin) return false;
  }
  return at == name.size();
}

}  // namespace plimsoll::rules
