#include "rules/natural_order.hpp"

#include <algorithm>
#include <numeric>

namespace plimsoll::rules {
namespace {

// What begins a part, ends a text or follows one. A name that ends before another comes first, a
// number comes before text, and text before the same text with digits, whatever parts follow.
constexpr char end_of_text = '\x00';
constexpr char number_follows = '\x01';
constexpr char text_follows = '\x02';
constexpr char digits_follow = '\x03';

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A number of any length: without leading zeros, the longer one is larger.
void append_number(std::string& key, std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  for (int shift = 24; shift >= 0; shift -= 8) {
    key += static_cast<char>((digits.size() >> shift) & 0xff);
  }
  key += digits;
}

/// Bytes that could be taken for the end keep their place in the order behind an escape.
void append_text(std::string& key, std::string_view text) {
  for (char c : text) {
    if (c == '\x00' || c == '\x01') key += '\x01';
    key += c == '\x00' ? '\x01' : c == '\x01' ? '\x02' : c;
  }
  key += end_of_text;
}

void append_part(std::string& key, std::string_view part) {
  std::size_t stem = part.size();
  while (stem > 0 && is_digit(part[stem - 1])) --stem;
  if (stem == 0 && !part.empty()) {
    key += number_follows;
    append_number(key, part);
    return;
  }
  key += text_follows;
  append_text(key, part.substr(0, stem));
  if (stem == part.size()) return;
  key += digits_follow;
  append_number(key, part.substr(stem));
}

}  // namespace

std::string natural_key(std::string_view name) {
  std::string key;
  key.reserve(name.size() + 32);
  while (true) {
    const std::size_t dot = name.find('.');
    append_part(key, name.substr(0, dot));
    if (dot == std::string_view::npos) return key;
    name.remove_prefix(dot + 1);
  }
}

std::vector<std::uint32_t> natural_order(std::span<const std::string> names) {
  std::vector<std::string> keys;
  keys.reserve(names.size());
  for (const std::string& name : names) keys.push_back(natural_key(name));
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  std::sort(order.begin(), order.end(), [&](std::uint32_t left, std::uint32_t right) {
    if (const int by_key = keys[left].compare(keys[right])) return by_key < 0;
    if (const int by_name = names[left].compare(names[right])) return by_name < 0;
    return left < right;
  });
  return order;
}

}  // namespace plimsoll::rules
