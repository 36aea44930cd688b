#include "config/arrow_rule.hpp"

#include "config/pattern.hpp"
#include "config/written_word.hpp"

namespace plimsoll::config {

Expected<ArrowRule> split_arrow(std::string_view text, std::string_view option,
                                std::string_view meaning) {
  const std::string about = std::string(option).append(" ").append(quoted(text));
  const std::size_t arrow = text.rfind("->");
  if (arrow == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                about + " is not of the form 'REGEX -> " + std::string(meaning) + "'");
  }
  const std::string_view pattern = trimmed(text.substr(0, arrow));
  if (pattern.empty()) return fail(ErrorCode::invalid_argument, about + " has no pattern");
  const Expected<Pattern> compiled = Pattern::compile(pattern);
  if (!compiled) return fail(compiled.error());
  return ArrowRule{std::string(pattern), trimmed(text.substr(arrow + 2))};
}

}  // namespace plimsoll::config
