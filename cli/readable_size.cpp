#include "cli/readable_size.hpp"

#include <array>
#include <cstddef>
#include <cstdio>

namespace plimsoll::cli {

std::string readable_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double number = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 999.5 would be printed as a fourth digit.
  while (number >= 999.5 && unit + 1 < units.size()) {
    number /= 1000;
    ++unit;
  }
  const int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f %s", decimals, number, units[unit]);
  return text.data();
}

}  // namespace plimsoll::cli
