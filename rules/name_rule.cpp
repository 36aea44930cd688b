#include "rules/name_rule.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace plimsoll::rules {
namespace {

/// Rules can double a name, again and again; what a file holds is far below this.
constexpr std::size_t longest_name = std::size_t{1} << 20;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string with_all_replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

/// The pattern in plain PCRE2: `*.` stands for any text before a dot, and a pattern that ends in a
/// letter or digit ends where a word ends.
std::string expression_of(const std::string& pattern) {
  std::string expression = with_all_replaced(pattern, "*.", ".*\\.");
  if (!expression.empty() && is_alphanumeric(expression.back())) expression += "(?!\\w)";
  return expression;
}

std::string group_name(std::size_t index) {
  return std::string("g").append(std::to_string(index));
}

/// The patterns as alternatives; of those that match at one place, the one of the longest text.
std::string alternatives_of(const std::vector<std::string>& from) {
  std::vector<std::size_t> order(from.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return from[a].size() > from[b].size(); });
  std::string out;
  for (std::size_t index : order) {
    if (!out.empty()) out += '|';
    out.append("(?<").append(group_name(index)).append(">");
    out.append(expression_of(from[index])).append(")");
  }
  return out;
}

/// A prefix rule as a rename.
Rename rename_of(const PrefixChange& change) {
  const std::string parent = change.below.empty() ? "" : change.below + "\\.";
  const std::string parent_name = change.below.empty() ? "" : change.below + ".";
  std::string from("^");
  from.append(parent);
  if (change.add) {
    from.append("(?:(?!").append(change.prefix).append("\\.))(.+)");
    return {{from}, parent_name + change.prefix + ".\\1", {}};
  }
  from.append(change.prefix).append("\\.(.+)");
  return {{from}, parent_name + "\\1", {}};
}

/// The last part that is all digits, else the digits that end the last part which has any there.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::optional<std::string_view> whole;
  std::optional<std::string_view> ending;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    std::size_t stem = part.size();
    while (stem > 0 && is_digit(part[stem - 1])) --stem;
    if (stem < part.size()) (stem == 0 ? whole : ending) = part.substr(stem);
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  const std::optional<std::string_view> digits = whole ? whole : ending;
  if (!digits) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  // One too large for us is too large for a list without gaps as well.
  return error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

/// A number moved by an offset, as text; nothing for what is no number or leaves its range.
std::optional<std::string> shifted(std::string_view digits, std::int64_t offset) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  constexpr std::int64_t largest = std::int64_t{1} << 62;
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0 ||
      value > largest) {
    return std::nullopt;
  }
  return std::to_string(value + offset);
}

std::vector<std::string> prefixes_of(const std::optional<Scope>& scope) {
  if (!scope) return {""};
  const auto below = [](const std::string& path) { return path.empty() ? "" : path + "."; };
  const std::string path = below(scope->path);
  return {below(scope->base) + path, path};
}

}  // namespace

Expected<NameRule> NameRule::compile(const Rule& rule, const std::optional<Scope>& scope) {
  std::vector<std::string> from;
  std::vector<std::string> to;
  Kind kind = Kind::rename;
  std::int64_t offset = 0;
  if (const auto* rename = std::get_if<Rename>(&rule)) {
    from = rename->from;
    to = {rename->to};
  } else if (const auto* change = std::get_if<PrefixChange>(&rule)) {
    Rename written = rename_of(*change);
    from = std::move(written.from);
    to = {std::move(written.to)};
  } else if (const auto* group = std::get_if<GroupRename>(&rule)) {
    kind = Kind::group;
    from = group->from;
    to = group->to;
  } else if (const auto* shift = std::get_if<IndexRename>(&rule)) {
    kind = Kind::shift;
    from = {shift->from};
    to = {shift->to};
    offset = shift->offset;
  } else if (const auto* convert = std::get_if<Convert>(&rule)) {
    kind = Kind::convert;
    from = convert->from;
    to = {convert->to.front()};
  }
  // One by one too, so that no bracket closes what another pattern opened.
  for (std::size_t i = 0; from.size() > 1 && i < from.size(); ++i) {
    const Expected<config::Pattern> alone = config::Pattern::compile(expression_of(from[i]));
    if (!alone) return fail(alone.error());
  }
  Expected<config::Pattern> pattern = config::Pattern::compile(alternatives_of(from));
  if (!pattern) return fail(pattern.error());
  NameRule out(std::move(*pattern));
  out.kind_ = kind;
  out.offset_ = offset;
  out.prefixes_ = prefixes_of(scope);
  out.to_ = std::move(to);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::optional<std::uint32_t> number = out.pattern_.group(group_name(i));
    if (!number) {
      return fail(ErrorCode::invalid_argument,
                  "pattern \"" + from[i] + "\" cannot stand in a rule");
    }
    out.groups_.push_back(*number);
    out.numbered_.push_back(from[i].find("*.") != std::string::npos);
    out.required_.push_back(required_text(expression_of(from[i])));
  }
  return out;
}

bool NameRule::could_apply(std::string_view name) const noexcept {
  const auto allowed_in = [&](std::string_view seen) {
    return std::any_of(required_.begin(), required_.end(), [&](const RequiredText& text) {
      return !text.is_free_of_numbers() || text.allows(seen);
    });
  };
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) {
    if (!RequiredText{prefix, true}.is_free_of_numbers()) return true;
    return name.starts_with(prefix) && allowed_in(name.substr(prefix.size()));
  });
}

Expected<std::optional<Renamed>> NameRule::apply(std::string_view name,
                                                 RuleProgress& progress) const {
  const auto starts = [&](const std::string& prefix) { return name.starts_with(prefix); };
  const auto prefix = std::find_if(prefixes_.begin(), prefixes_.end(), starts);
  if (prefix == prefixes_.end()) return std::nullopt;
  const std::string_view kept = name.substr(0, prefix->size());
  const std::string_view seen = name.substr(kept.size());
  const auto allows = [&](const RequiredText& text) { return text.allows(seen); };
  if (std::none_of(required_.begin(), required_.end(), allows)) return std::nullopt;

  Expected<std::optional<config::Pattern::Match>> match = pattern_.find(seen);
  if (!match) return fail(match.error());
  if (!*match) return std::nullopt;
  const config::Pattern::Match& groups = **match;
  const auto matched = [&](std::uint32_t group) { return groups[group].has_value(); };
  const auto alternative = std::find_if(groups_.begin(), groups_.end(), matched);
  const auto from = static_cast<std::size_t>(alternative - groups_.begin());
  if (kind_ == Kind::group) {
    if (from == 0) progress.group_awake = true;
    if (!progress.group_awake) return std::nullopt;
  }

  std::string replacement = to_[kind_ == Kind::group ? from : 0];
  if (replacement.find("\\1") != std::string::npos) {
    const std::size_t first = std::size_t{*alternative} + 1;
    std::string text(first < groups.size() ? groups[first].value_or("") : "");
    if (kind_ == Kind::shift) {
      const std::optional<std::string> moved = shifted(text, offset_);
      if (!moved) return std::nullopt;
      text = *moved;
    }
    replacement = with_all_replaced(std::move(replacement), "\\1", text);
  }
  const std::string_view whole = *groups[0];
  Renamed renamed{std::string(kept), from, std::nullopt};
  if (numbered_[from]) renamed.number = number_in(whole);
  // The first place that reads like the match, which is not always where the match was.
  const std::size_t at = seen.find(whole);
  if (name.size() + replacement.size() > longest_name) {
    return fail(ErrorCode::invalid_argument,
                "a rule makes a name of more than " + std::to_string(longest_name) + " bytes");
  }
  renamed.name.reserve(name.size() + replacement.size());
  renamed.name.append(seen.substr(0, at)).append(replacement);
  renamed.name.append(seen.substr(at + whole.size()));
  return renamed;
}

Expected<std::optional<config::Pattern>> any_of(std::span<const std::string> patterns) {
  if (patterns.empty()) return std::nullopt;
  std::string joined;
  for (const std::string& pattern : patterns) {
    // One by one, so that brackets do not close what another one opened.
    const Expected<config::Pattern> alone = config::Pattern::compile(pattern);
    if (!alone) return fail(alone.error());
    joined.append(joined.empty() ? "(?:" : "|(?:").append(pattern).append(")");
  }
  Expected<config::Pattern> compiled = config::Pattern::compile(joined);
  if (!compiled) return fail(compiled.error());
  return std::move(*compiled);
}

}  // namespace plimsoll::rules
