#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "errors/expected.hpp"
#include "io/json_members.hpp"

namespace plimsoll::io {

// Changes to one member of a JSON object's text that leave every other byte as somebody wrote it.
// `object` is what find_json_members says of `text`.

/// `text` with a new member. It takes its place in a sorted object and the last one in any other,
/// and is indented as the object is. The object has no member of that key.
[[nodiscard]] std::string with_json_member(std::string_view text, const JsonObjectText& object,
                                           std::string_view key,
                                           const nlohmann::ordered_json& value);

/// `text` with another value in the place of `member`'s.
[[nodiscard]] std::string with_json_value(std::string_view text, const JsonObjectText& object,
                                          const JsonMember& member,
                                          const nlohmann::ordered_json& value);

/// `text` without the object's member of index `member`, its comma and the space around it.
[[nodiscard]] std::string without_json_member(std::string_view text, const JsonObjectText& object,
                                              std::size_t member);

/// `source` (the text of a config.json) with this `quantization_config`, in the place of a null one
/// if that is there.
/// Errors, naming `file`: malformed; unsupported (there is a quantization_config already).
[[nodiscard]] Expected<std::string> with_quantization_config(std::string_view source,
                                                             const nlohmann::ordered_json& value,
                                                             const std::string& file);

}  // namespace plimsoll::io
