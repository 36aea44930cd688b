#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll {

/// Appends `text` to `out` so that it can be printed on one line: control characters, DEL, the
/// C1 range and bytes that are not valid UTF-8 become \xNN. Stops before `out` would exceed `limit`
/// bytes (never inside a character or an escape) and then ends with "..." . Linear, allocates at
/// most `limit` bytes.
void append_printable(std::string& out, std::string_view text, std::size_t limit);

/// The whole of `text` escaped as above, at most `limit` bytes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 960);

}  // namespace plimsoll
