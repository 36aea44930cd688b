#include "plimsoll/error.hpp"

#include <array>
#include <utility>

#include "errors/printable.hpp"

namespace plimsoll {
namespace {

// "plimsoll: error: " and the line's end still fit below the 1,000 characters a line may have.
constexpr std::size_t line_limit = 960;

constexpr std::array<std::string_view, error_code_count> code_names = {
    "invalid_argument", "invalid_config",    "not_found",       "malformed",
    "unsupported",      "infeasible_budget", "out_of_memory",   "read_failed",
    "write_failed",     "disk_full",         "output_exists",   "resume_mismatch",
    "names_differ",     "cancelled",         "consumer_failed", "internal",
};

}  // namespace

std::string_view name_of(ErrorCode code) noexcept {
  return code_names[static_cast<std::size_t>(code)];
}

struct Error::State {
  ErrorCode code;
  std::string reason;
  std::string file;
  std::string tensor;
  std::string line;
};

Error::Error(ErrorCode code, std::string reason, std::string file, std::string tensor) {
  // Names get a third each at most, so that the reason always shows.
  std::string line;
  for (const std::string* part : {&file, &tensor}) {
    if (part->empty()) continue;
    append_printable(line, *part, line.size() + line_limit / 3);
    line += ": ";
  }
  append_printable(line, reason, line_limit);
  state_ = std::make_shared<const State>(
      State{code, std::move(reason), std::move(file), std::move(tensor), std::move(line)});
}

ErrorCode Error::code() const noexcept {
  return state_->code;
}
const std::string& Error::reason() const noexcept {
  return state_->reason;
}
const std::string& Error::file() const noexcept {
  return state_->file;
}
const std::string& Error::tensor() const noexcept {
  return state_->tensor;
}
const char* Error::what() const noexcept {
  return state_->line.c_str();
}

}  // namespace plimsoll
