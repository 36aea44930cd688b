#include "plan/natural_order.hpp"

#include <compare>

namespace plimsoll::plan {
namespace {

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

}  // namespace plimsoll::plan
