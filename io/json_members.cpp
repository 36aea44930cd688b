#include "io/json_members.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

namespace plimsoll::io {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;  // a byte order mark
  }

  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }

  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }

  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// Passes a string; false if none begins here or it does not end.
  bool pass_string() {
    if (!take('"')) return false;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\' && !at_end()) ++at_;
    }
    return false;
  }

  /// Passes one value; false if there is none or its brackets do not match.
  bool pass_value() {
    std::string closers;  // of the brackets that are open
    const std::size_t begin = at_;
    while (!at_end()) {
      const char c = text_[at_];
      const bool outside = closers.empty();
      if (outside && at_ > begin && ends_value(c)) break;
      if (c == '"') {
        if (!pass_string()) return false;
      } else {
        ++at_;
        if (c == '{' || c == '[') {
          closers += c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
          if (outside || closers.back() != c) return false;
          closers.pop_back();
        } else if (outside && ends_value(c)) {
          return false;  // nothing stands before the comma or space
        } else {
          continue;
        }
      }
      if (closers.empty()) return true;
    }
    return closers.empty() && at_ > begin;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  static bool ends_value(char c) {
    return is_space(c) || std::string_view(",:\"[]{}").find(c) != std::string_view::npos;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Reads one member; nothing if the text is broken there.
std::optional<JsonMember> read_member(Scanner& scanner, std::string_view text) {
  JsonMember member;
  scanner.skip_space();
  member.key_begin = scanner.position();
  if (!scanner.pass_string()) return std::nullopt;
  const std::string_view quoted =
      text.substr(member.key_begin, scanner.position() - member.key_begin);
  const auto key = nlohmann::json::parse(quoted, nullptr, false);
  if (!key.is_string()) return std::nullopt;
  member.key = key.get<std::string>();
  scanner.skip_space();
  if (!scanner.take(':')) return std::nullopt;
  scanner.skip_space();
  member.value_begin = scanner.position();
  if (!scanner.pass_value()) return std::nullopt;
  member.value_end = scanner.position();
  scanner.skip_space();
  return member;
}

}  // namespace

Expected<JsonObjectText> find_json_members(std::string_view text, const std::string& file) {
  const auto broken = [&](const Scanner& scanner) {
    return fail(ErrorCode::malformed,
                "not a JSON object: broken at byte " + std::to_string(scanner.position()), file);
  };
  JsonObjectText object;
  std::unordered_set<std::string> keys;
  Scanner scanner(text);
  scanner.skip_space();
  object.open = scanner.position();
  if (!scanner.take('{')) return broken(scanner);
  scanner.skip_space();
  object.close = scanner.position();
  if (!scanner.take('}')) {
    do {
      auto member = read_member(scanner, text);
      if (!member) return broken(scanner);
      if (!keys.insert(member->key).second) {
        return fail(ErrorCode::malformed, "the key \"" + member->key + "\" stands twice", file);
      }
      object.members.push_back(std::move(*member));
      object.close = scanner.position();
    } while (scanner.take(','));
    if (!scanner.take('}')) return broken(scanner);
  }
  scanner.skip_space();
  if (!scanner.at_end()) return broken(scanner);
  return object;
}

}  // namespace plimsoll::io
