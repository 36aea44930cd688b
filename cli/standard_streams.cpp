#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "plimsoll/error.hpp"

namespace plimsoll::cli {

void fill_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this stream's, as those below it are open by now. Read-only: a
    // result that goes nowhere is an error.
    if (open("/dev/null", O_RDONLY) == -1) return;
  }
}

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written == -1 && errno != EINTR) {
      const bool full = errno == ENOSPC || errno == EDQUOT;
      throw Error(full ? ErrorCode::disk_full : ErrorCode::write_failed,
                  std::generic_category().message(errno), "standard output");
    }
  }
}

void print_error(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

void print_error_line(std::string_view text) {
  print_error(std::string("plimsoll: error: ").append(text).append("\n"));
}

}  // namespace plimsoll::cli
