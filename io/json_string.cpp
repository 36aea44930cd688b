#include "io/json_string.hpp"

#include <nlohmann/json.hpp>

namespace plimsoll::io {

void append_json_string(std::string& out, std::string_view text, JsonText encoding) {
  out += nlohmann::json(text).dump(-1, ' ', encoding == JsonText::ascii,
                                   nlohmann::json::error_handler_t::replace);
}

}  // namespace plimsoll::io
