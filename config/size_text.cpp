#include "config/size_text.hpp"

#include <array>
#include <limits>

namespace plimsoll::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array<Unit, 9> units = {{
    {"TiB", std::uint64_t{1} << 40},
    {"TB", 1'000'000'000'000},
    {"GiB", std::uint64_t{1} << 30},
    {"GB", 1'000'000'000},
    {"MiB", std::uint64_t{1} << 20},
    {"MB", 1'000'000},
    {"KiB", std::uint64_t{1} << 10},
    {"kB", 1'000},
    {"B", 1},
}};

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

/// Cuts the leading digits off `text`.
std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

std::optional<std::uint64_t> whole_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (most - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

/// floor(0.digits * unit). From the last digit to the first, so that each step rounds down a number
/// that is already rounded down: the result is exact and no step exceeds ten units.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t unit) {
  std::uint64_t value = 0;
  for (std::size_t i = digits.size(); i > 0; --i) {
    value = (value + static_cast<std::uint64_t>(digits[i - 1] - '0') * unit) / 10;
  }
  return value;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::string_view digits = take_digits(text);
  if (digits.empty()) return std::nullopt;
  std::string_view fraction;
  const bool has_fraction = text.starts_with('.');
  if (has_fraction) {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
  }
  while (text.starts_with(' ')) text.remove_prefix(1);

  std::uint64_t unit = text.empty() && !has_fraction ? 1 : 0;
  for (const Unit& known : units) {
    if (equal_ignoring_case(text, known.name)) unit = known.bytes;
  }
  if (unit == 0 || (has_fraction && unit == 1)) return std::nullopt;

  const std::optional<std::uint64_t> count = whole_number(digits);
  if (!count || *count > most / unit) return std::nullopt;
  const std::uint64_t extra = fraction_of(fraction, unit);
  if (extra > most - *count * unit) return std::nullopt;
  return *count * unit + extra;
}

std::string format_size(std::uint64_t bytes) {
  std::string shortest = std::to_string(bytes);
  if (bytes == 0) return shortest;
  for (const Unit& unit : units) {
    if (unit.bytes == 1 || bytes % unit.bytes != 0) continue;
    std::string text = std::to_string(bytes / unit.bytes).append(unit.name);
    if (text.size() <= shortest.size()) shortest = std::move(text);
  }
  return shortest;
}

}  // namespace plimsoll::config
