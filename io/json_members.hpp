#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// One member of a JSON object, by position in its text.
struct JsonMember {
  std::string key;              ///< without quotes and escapes
  std::size_t key_begin = 0;    ///< of the quote that opens the key
  std::size_t value_begin = 0;  ///< the value's first byte, and one past its last
  std::size_t value_end = 0;
};

/// Where an object's members stand, so that one can be changed while every other byte of the text
/// stays as somebody wrote it.
struct JsonObjectText {
  std::size_t open = 0;   ///< of '{'
  std::size_t close = 0;  ///< of '}'
  std::vector<JsonMember> members;
};

/// Finds the members of the object that `text` consists of. Strings and brackets have to match;
/// what stands inside of values is not judged further, so the NaN and Infinity that Python writes
/// pass. Linear, not recursive.
/// Errors: malformed (no such object, a key that stands twice).
[[nodiscard]] Expected<JsonObjectText> find_json_members(std::string_view text,
                                                         const std::string& file);

}  // namespace plimsoll::io
