#include "config/name_kinds.hpp"

#include <algorithm>

#include "config/written_word.hpp"

namespace plimsoll::config {

std::size_t NameKinds::kind_of(std::string_view name) {
  spelled_.clear();
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    spelled_.append(is_digits(part) ? "0" : part);
    if (end < name.size()) spelled_ += '.';
    begin = end + 1;
  }
  const auto known = kinds_.find(std::string_view(spelled_));
  if (known != kinds_.end()) return known->second;
  return kinds_.emplace(spelled_, kinds_.size()).first->second;
}

}  // namespace plimsoll::config
