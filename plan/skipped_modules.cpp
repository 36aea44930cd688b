#include "plan/skipped_modules.hpp"

#include <algorithm>

namespace plimsoll::plan {
namespace {

/// Characters that stand for themselves in a regular expression. The dot does not, but is left in
/// plain entries, where it can only match more; Quantized::caught_by counts on that.
bool is_plain_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-' || c == '.';
}

bool less_from_the_end(std::string_view left, std::string_view right) {
  return std::lexicographical_compare(left.rbegin(), left.rend(), right.rbegin(), right.rend());
}

/// The modules that no entry may catch.
class Quantized {
 public:
  explicit Quantized(std::span<const std::string_view> paths)
      : by_start_(paths.begin(), paths.end()), by_end_(by_start_) {
    std::sort(by_start_.begin(), by_start_.end());
    std::sort(by_end_.begin(), by_end_.end(), less_from_the_end);
  }

  [[nodiscard]] bool contains(std::string_view path) const {
    return std::binary_search(by_start_.begin(), by_start_.end(), path);
  }

  [[nodiscard]] bool caught_by(std::string_view entry) const {
    return is_end(entry) || is_start(entry);
  }

 private:
  [[nodiscard]] bool is_end(std::string_view entry) const {
    const auto found = std::lower_bound(by_end_.begin(), by_end_.end(), entry, less_from_the_end);
    return found != by_end_.end() && found->ends_with(entry);
  }

  using Range = std::span<const std::string_view>;

  /// Whether `entry`, its dots matching any character, matches at the start of a path. Follows all
  /// ranges of the sorted paths that match so far; they are disjoint.
  [[nodiscard]] bool is_start(std::string_view entry) const {
    std::vector<Range> matching{by_start_};
    std::vector<Range> longer;
    for (std::size_t at = 0; at < entry.size() && !matching.empty(); ++at) {
      longer.clear();
      for (Range range : matching) {
        while (!range.empty() && range.front().size() <= at) range = range.subspan(1);
        while (!range.empty()) {
          const char c = entry[at] == '.' ? range.front()[at] : entry[at];
          const auto [begin, end] = std::equal_range(range.begin(), range.end(), c, CharAt{at});
          if (begin != end) longer.emplace_back(begin, end);
          range = entry[at] == '.' ? Range(end, range.end()) : Range();
        }
      }
      matching.swap(longer);
    }
    return !matching.empty();
  }

  /// Compares one character of paths that are longer than `at`.
  struct CharAt {
    std::size_t at;
    bool operator()(char c, std::string_view path) const { return byte(c) < byte(path[at]); }
    bool operator()(std::string_view path, char c) const { return byte(path[at]) < byte(c); }
    static unsigned char byte(char c) { return static_cast<unsigned char>(c); }
  };

  std::vector<std::string_view> by_start_;
  std::vector<std::string_view> by_end_;
};

/// A regular expression for this path and no other.
std::string exact_entry(std::string_view path) {
  std::string entry;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = byte < 0x80 && (!is_plain_char(c) || c == '.');
    if (special) entry += '\\';
    entry += c;
  }
  return entry += "\\Z";
}

}  // namespace

std::vector<std::string> skip_entries(std::span<const std::string_view> skipped,
                                      std::span<const std::string_view> quantized) {
  const Quantized others(quantized);
  std::vector<std::string> entries;
  for (const std::string_view path : skipped) {
    if (others.contains(path)) continue;
    const bool plain = !path.empty() && std::all_of(path.begin(), path.end(), is_plain_char) &&
                       !others.caught_by(path);
    entries.push_back(plain ? std::string(path) : exact_entry(path));
  }
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

}  // namespace plimsoll::plan
