#include "rules/natural_order.hpp"

#include <algorithm>
#include <compare>
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

/// A name's parts, one after the other. Every name has one; a dot at the end is followed by an
/// empty one.
class Parts {
 public:
  explicit Parts(std::string_view name) : rest_(name) {}

  [[nodiscard]] bool ended() const { return ended_; }

  std::string_view next() {
    const std::size_t dot = rest_.find('.');
    const std::string_view part = rest_.substr(0, dot);
    ended_ = dot == std::string_view::npos;
    if (!ended_) rest_.remove_prefix(dot + 1);
    return part;
  }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

/// Numbers of any length: without leading zeros, a longer one is larger.
std::strong_ordering compare_numbers(std::string_view left, std::string_view right) {
  const auto strip = [](std::string_view& digits) {
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  };
  strip(left);
  strip(right);
  if (left.size() != right.size()) return left.size() <=> right.size();
  return left.compare(right) <=> 0;
}

std::strong_ordering compare_parts(std::string_view left, std::string_view right) {
  const auto stem = [](std::string_view part) {
    std::size_t length = part.size();
    while (length > 0 && is_digit(part[length - 1])) --length;
    return length;
  };
  const std::size_t left_stem = stem(left);
  const std::size_t right_stem = stem(right);
  const bool left_number = left_stem == 0 && !left.empty();
  const bool right_number = right_stem == 0 && !right.empty();
  if (left_number != right_number) {
    return left_number ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  const auto by_stem = left.substr(0, left_stem).compare(right.substr(0, right_stem)) <=> 0;
  if (by_stem != 0) return by_stem;
  const std::string_view left_digits = left.substr(left_stem);
  const std::string_view right_digits = right.substr(right_stem);
  if (left_digits.empty() != right_digits.empty()) {
    return left_digits.empty() ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return compare_numbers(left_digits, right_digits);
}

/// A number of any length: without leading zeros, the longer one is larger.
void append_number(std::string& key, std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  // One byte for the length of every number that there is, more for those that there could be.
  constexpr std::size_t long_number = 0xff;
  key += static_cast<char>(std::min(digits.size(), long_number));
  for (int shift = 24; digits.size() >= long_number && shift >= 0; shift -= 8) {
    key += static_cast<char>((digits.size() >> shift) & 0xff);
  }
  key += digits;
}

/// Bytes that could be taken for the end keep their place in the order behind an escape.
void append_text(std::string& key, std::string_view text) {
  const auto special = [](char c) { return c == '\x00' || c == '\x01'; };
  if (std::none_of(text.begin(), text.end(), special)) {
    key += text;
  } else {
    for (char c : text) {
      if (special(c)) key += '\x01';
      key += c == '\x00' ? '\x01' : c == '\x01' ? '\x02' : c;
    }
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

void append_key(std::string& key, std::string_view name) {
  while (true) {
    const std::size_t dot = name.find('.');
    append_part(key, name.substr(0, dot));
    if (dot == std::string_view::npos) return;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace

bool natural_less(std::string_view left, std::string_view right) noexcept {
  Parts left_parts(left);
  Parts right_parts(right);
  do {
    const auto order = compare_parts(left_parts.next(), right_parts.next());
    if (order != 0) return order < 0;
  } while (!left_parts.ended() && !right_parts.ended());
  if (left_parts.ended() != right_parts.ended()) return left_parts.ended();
  return left < right;  // "a.01" and "a.1": some fixed order
}

std::string natural_key(std::string_view name) {
  std::string key;
  append_key(key, name);
  return key;
}

std::vector<std::uint32_t> natural_order(std::span<const std::string> names) {
  // All keys in one text: one allocation, and neighbours in memory.
  std::string text;
  std::vector<std::size_t> ends;
  ends.reserve(names.size());
  constexpr std::size_t usual_key = 64;
  text.reserve(names.size() * usual_key);
  for (const std::string& name : names) {
    append_key(text, name);
    ends.push_back(text.size());
  }
  const auto key = [&](std::uint32_t i) {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  };
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  std::sort(order.begin(), order.end(), [&](std::uint32_t left, std::uint32_t right) {
    if (const int by_key = key(left).compare(key(right))) return by_key < 0;
    if (const int by_name = names[left].compare(names[right])) return by_name < 0;
    return left < right;
  });
  return order;
}

}  // namespace plimsoll::rules
