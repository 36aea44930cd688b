#include "config/pattern.hpp"

#include <array>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace plimsoll::config {
namespace {

// Far more than any name needs, and still over in well under a second.
constexpr std::uint32_t match_limit = 1'000'000;
constexpr std::uint32_t depth_limit = 10'000;
constexpr std::uint32_t heap_limit_kib = 16'384;

// Patterns are written by people; this bounds what compiling one may cost.
constexpr std::size_t longest_pattern = 16'384;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  const int length = pcre2_get_error_message(code, buffer.data(), buffer.size());
  if (length < 0) return "error " + std::to_string(code);
  return {reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(length)};
}

PCRE2_SPTR units_of(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct Pattern::State {
  std::string text;
  std::unique_ptr<pcre2_code, Free> code;
  std::unique_ptr<pcre2_match_context, Free> limits;
};

Pattern::Pattern(std::unique_ptr<const State> state) noexcept : state_(std::move(state)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

const std::string& Pattern::text() const noexcept {
  return state_->text;
}

Expected<Pattern> Pattern::compile(std::string_view text) {
  if (text.size() > longest_pattern) {
    return fail(ErrorCode::invalid_argument, "a pattern of " + std::to_string(text.size()) +
                                                 " bytes is too long (at most " +
                                                 std::to_string(longest_pattern) + ")");
  }
  // An empty view may have no address at all, which PCRE2 takes for a mistake.
  if (text.empty()) text = "";
  constexpr std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  PCRE2_SIZE position = 0;
  std::unique_ptr<pcre2_code, Free> code(
      pcre2_compile(units_of(text), text.size(), options, &error, &position, nullptr));
  if (!code) {
    return fail(ErrorCode::invalid_argument, "pattern \"" + std::string(text) + "\", position " +
                                                 std::to_string(position) + ": " +
                                                 message_of(error));
  }
  // Without JIT (not built in, or no executable memory) the interpreter gives the same answers.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  std::unique_ptr<pcre2_match_context, Free> limits(pcre2_match_context_create(nullptr));
  if (!limits) return fail(ErrorCode::out_of_memory, "no memory to match a pattern");
  pcre2_set_match_limit(limits.get(), match_limit);
  pcre2_set_depth_limit(limits.get(), depth_limit);
  pcre2_set_heap_limit(limits.get(), heap_limit_kib);
  return Pattern(
      std::make_unique<const State>(State{std::string(text), std::move(code), std::move(limits)}));
}

/// Where a search leaves the places it found.
struct Pattern::Hits {
  std::unique_ptr<pcre2_match_data, Free> data;
};

Expected<bool> Pattern::run(std::string_view name, Hits& hits) const {
  if (!hits.data) return fail(ErrorCode::out_of_memory, "no memory to match a pattern");
  auto match = [&](std::uint32_t options) {
    return pcre2_match(state_->code.get(), units_of(name), name.size(), 0, options, hits.data.get(),
                       state_->limits.get());
  };
  int result = match(0);
  // Compiled code has a small stack of its own; the interpreter's is on the heap, below its limit.
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);
  if (result >= 0) return true;
  if (result == PCRE2_ERROR_NOMATCH) return false;
  return fail(ErrorCode::invalid_argument, "pattern \"" + state_->text +
                                               "\" takes too much work on \"" + std::string(name) +
                                               "\": " + message_of(result));
}

Expected<bool> Pattern::search(std::string_view name) const {
  if (name.empty()) name = "";
  Hits hits{std::unique_ptr<pcre2_match_data, Free>(pcre2_match_data_create(1, nullptr))};
  return run(name, hits);
}

Expected<std::optional<Pattern::Match>> Pattern::find(std::string_view name) const {
  if (name.empty()) name = "";
  Hits hits{std::unique_ptr<pcre2_match_data, Free>(
      pcre2_match_data_create_from_pattern(state_->code.get(), nullptr))};
  const Expected<bool> found = run(name, hits);
  if (!found) return fail(found.error());
  if (!*found) return std::nullopt;
  const PCRE2_SIZE* places = pcre2_get_ovector_pointer(hits.data.get());
  Match match(pcre2_get_ovector_count(hits.data.get()));
  for (std::size_t i = 0; i < match.size(); ++i) {
    const PCRE2_SIZE begin = places[2 * i];
    const PCRE2_SIZE end = places[2 * i + 1];
    // Unset groups, and starts that \K moved behind the end.
    if (begin == PCRE2_UNSET || begin > end) continue;
    match[i] = name.substr(begin, end - begin);
  }
  return match;
}

std::optional<std::uint32_t> Pattern::group(std::string_view name) const {
  const std::string terminated(name);
  const int number = pcre2_substring_number_from_name(state_->code.get(), units_of(terminated));
  if (number <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

}  // namespace plimsoll::config
