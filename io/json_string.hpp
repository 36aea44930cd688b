#pragma once

#include <string>
#include <string_view>

namespace plimsoll::io {

enum class JsonText : unsigned char { utf8, ascii };

/// Appends `text` as a JSON string, quotes included. Control characters, quotes and backslashes are
/// escaped; `ascii` writes everything beyond ASCII as \uXXXX too. Bytes that are not UTF-8 become
/// U+FFFD.
void append_json_string(std::string& out, std::string_view text, JsonText encoding);

}  // namespace plimsoll::io
