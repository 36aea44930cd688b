#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// Parses `text`, which json_padding readable bytes follow, as one JSON object that begins at its
/// first byte. `what` names the text in errors ("the header"). Validates all of it; keys that occur
/// twice are the caller's business. The object lives until the parser's next text.
[[nodiscard]] Expected<simdjson::dom::object> parse_json_object(simdjson::dom::parser& parser,
                                                                std::string_view text,
                                                                std::size_t max_depth,
                                                                const std::string& what,
                                                                const std::string& file);

}  // namespace plimsoll::io
