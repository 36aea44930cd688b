#pragma once

#include <string_view>

namespace plimsoll::cli {

/// Opens what stands in for a standard stream that was closed when the program started, so that no
/// checkpoint gets its number: reading gives nothing, writing fails. Call before any file is
/// opened.
void fill_closed_streams();

/// Writes all of `text` to stdout, unbuffered. Throws Error (write_failed, disk_full), also where
/// the reader of a pipe has gone (SIGPIPE must be ignored).
void print(std::string_view text);

/// Writes `text` to stderr in one piece; what goes wrong there cannot be told to anyone.
void print_error(std::string_view text) noexcept;

/// Writes "plimsoll: error: TEXT" and a line's end to stderr, where TEXT must not have any.
void print_error_line(std::string_view text);

}  // namespace plimsoll::cli
