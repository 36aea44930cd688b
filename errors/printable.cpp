#include "errors/printable.hpp"

#include <array>
#include <cstdint>

namespace plimsoll {
namespace {

/// Length of the valid, printable UTF-8 character at the front of `text`; 0 if there is none.
std::size_t printable_length(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead >= 0x20 && lead < 0x7f) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  std::uint32_t point = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (at(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  // Line separators break the line; marks of direction let its end be read as its beginning.
  const bool control = point < 0xa0 || (point >= 0x200e && point <= 0x200f) ||
                       (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
  return overlong || surrogate || control || point > 0x10ffff ? 0 : length;
}

}  // namespace

void append_printable(std::string& out, std::string_view text, std::size_t limit) {
  constexpr std::string_view ellipsis = "...";
  constexpr char hex[] = "0123456789abcdef";
  std::size_t cut = out.size();  // the longest prefix after which the ellipsis still fits
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    std::array<char, 4> escape{'\\', 'x', '0', '0'};
    std::string_view piece = text.substr(0, length);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text.front());
      escape[2] = hex[byte >> 4];
      escape[3] = hex[byte & 15];
      piece = {escape.data(), escape.size()};
    }
    if (out.size() + piece.size() > limit) {
      out.resize(cut);
      out.append(ellipsis.substr(0, limit > cut ? limit - cut : 0));
      return;
    }
    out.append(piece);
    if (out.size() + ellipsis.size() <= limit) cut = out.size();
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  append_printable(out, text, limit);
  return out;
}

}  // namespace plimsoll
