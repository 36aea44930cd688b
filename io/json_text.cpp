#include "io/json_text.hpp"

#include "io/safetensors.hpp"

namespace plimsoll::io {
namespace {

static_assert(json_padding >= simdjson::SIMDJSON_PADDING);

Error json_error(simdjson::error_code code, const std::string& what, const std::string& file) {
  switch (code) {
    case simdjson::MEMALLOC:
    case simdjson::CAPACITY:
      return Error(ErrorCode::out_of_memory, "no memory to parse " + what, file);
    case simdjson::UTF8_ERROR:
      return Error(ErrorCode::malformed, what + " is not valid UTF-8", file);
    case simdjson::DEPTH_ERROR:
      return Error(ErrorCode::malformed, what + " nests too deeply", file);
    case simdjson::NUMBER_ERROR:
      return Error(ErrorCode::malformed, what + " holds a number that is no JSON or too large",
                   file);
    default:
      return Error(ErrorCode::malformed, what + " is not valid JSON", file);
  }
}

}  // namespace

Expected<simdjson::dom::object> parse_json_object(simdjson::dom::parser& parser,
                                                  std::string_view text, std::size_t max_depth,
                                                  const std::string& what,
                                                  const std::string& file) {
  if (text.empty() || text.front() != '{') {
    return fail(ErrorCode::malformed, what + " does not begin with '{'", file);
  }
  // Growing by doubling lets files of slightly rising size share one allocation.
  if (text.size() > parser.capacity() || parser.max_depth() != max_depth) {
    const std::size_t capacity = std::max(text.size(), 2 * parser.capacity());
    const auto code = parser.allocate(capacity, max_depth);
    if (code != simdjson::SUCCESS) return fail(json_error(code, what, file));
  }
  simdjson::dom::object object;
  const auto code = parser.parse(text.data(), text.size(), false).get(object);
  if (code != simdjson::SUCCESS) return fail(json_error(code, what, file));
  return object;
}

}  // namespace plimsoll::io
