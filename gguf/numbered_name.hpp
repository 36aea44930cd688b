#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::gguf {

/// A dotted name with '*' in place of the parts that are numbers, and these, in order.
struct NumberedName {
  std::string pattern;
  std::vector<std::string_view> numbers;  ///< views into the name
};

[[nodiscard]] NumberedName numbered(std::string_view name);

/// A name of a table with '*' in place of the parts "N" and "E".
[[nodiscard]] std::string starred(std::string_view pattern);

/// Calls `use` with each dotted part of a name, in order.
template <class Use>
void for_each_part(std::string_view name, Use use) {
  for (;;) {
    const std::size_t dot = name.find('.');
    use(name.substr(0, dot));
    if (dot == std::string_view::npos) return;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace plimsoll::gguf
