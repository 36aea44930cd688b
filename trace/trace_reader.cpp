#include <simdjson.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "trace/trace_file.hpp"

namespace plimsoll::trace {
namespace {

namespace json = simdjson::ondemand;

constexpr std::string_view first_line = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
constexpr std::string_view last_line = "]}";
// An event's line takes far more; it keeps a metadata count from reserving more than the text.
constexpr std::size_t least_event_bytes = 64;

/// "12.345" microseconds to 12345 ns, without a detour over floating point.
std::optional<std::uint64_t> nanoseconds(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || text.size() - dot != 4 || dot == 0) return std::nullopt;
  std::uint64_t whole = 0;
  std::uint64_t rest = 0;
  const auto parse = [](std::string_view digits, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!parse(text.substr(0, dot), whole) || !parse(text.substr(dot + 1), rest)) return std::nullopt;
  if (whole > (std::numeric_limits<std::uint64_t>::max() - 999) / 1000) return std::nullopt;
  return whole * 1000 + rest;
}

template <class Number>
bool read_number(json::object& object, std::string_view key, Number& value) {
  std::uint64_t wide = 0;
  if (object[key].get_uint64().get(wide) != simdjson::SUCCESS) return false;
  if (wide > std::numeric_limits<Number>::max()) return false;
  value = static_cast<Number>(wide);
  return true;
}

/// The kind and phase that a name and a phase letter of the file stand for.
bool read_kind(std::string_view name, std::string_view phase, Event& event) {
  if (name == "slot") {
    event.phase = EventPhase::point;
    event.kind = phase == "b" ? EventKind::grant : EventKind::release;
    return phase == "b" || phase == "e";
  }
  for (int i = 0; i < event_kind_count; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (kind == EventKind::grant || kind == EventKind::release || name != name_of(kind)) continue;
    const bool span = kind == EventKind::read;
    event.kind = kind;
    event.phase = phase == (span ? "b" : "B") ? EventPhase::begin : EventPhase::end;
    return event.phase == EventPhase::begin || phase == (span ? "e" : "E");
  }
  return false;
}

/// Reads the lines of one text, one JSON object each.
class TraceParser {
 public:
  TraceParser(const simdjson::padded_string& text, const std::string& name)
      : text_(text), rest_(std::string_view(text)), name_(name) {}

  Expected<Trace> parse() {
    if (next_line() != first_line) return broken("this is not a plimsoll trace");
    std::uint64_t promised = 0;
    if (auto read = read_metadata(next_line(), promised); !read) return fail(read.error());
    trace_.events.reserve(static_cast<std::size_t>(
        std::min<std::uint64_t>(promised, text_.size() / least_event_bytes)));
    for (;;) {
      const bool more = had_comma_;
      const std::string_view line = next_line();
      if (!more) {
        if (line != last_line || !rest_.empty()) return broken("the trace does not end as it must");
        break;
      }
      if (auto read = read_event(line); !read) return fail(read.error());
    }
    if (trace_.events.size() != promised) return broken("the trace lacks events it promised");
    return std::move(trace_);
  }

 private:
  std::string_view next_line() {
    ++line_;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    had_comma_ = !line.empty() && line.back() == ',';
    if (had_comma_) line.remove_suffix(1);
    return line;
  }

  tl::unexpected<Error> broken(const char* reason) const {
    return fail(ErrorCode::malformed, "line " + std::to_string(line_) + ": " + reason, name_);
  }

  /// Opens the line's object. What follows a line in the text is its padding.
  bool open(std::string_view line, json::document& document, json::object& object) {
    if (!line.ends_with("}}")) return false;  // fields are looked up, so nobody else sees the end
    const std::size_t behind = static_cast<std::size_t>(text_.data() + text_.size() - line.data());
    const simdjson::padded_string_view padded(line, behind + simdjson::SIMDJSON_PADDING);
    return parser_.iterate(padded).get(document) == simdjson::SUCCESS &&
           document.get_object().get(object) == simdjson::SUCCESS;
  }

  Expected<void> read_metadata(std::string_view line, std::uint64_t& promised) {
    json::document document;
    json::object object;
    json::object args;
    std::string_view name;
    std::uint64_t version = 0;
    if (!open(line, document, object) || object["name"].get_string().get(name) ||
        name != "plimsoll" || object["args"].get_object().get(args) ||
        !read_number(args, "version", version)) {
      return broken("the first element must be the metadata");
    }
    if (version != trace_file_version) {
      return fail(ErrorCode::unsupported, "trace version " + std::to_string(version), name_);
    }
    json::array devices;
    if (args["complete"].get_bool().get(trace_.info.complete) ||
        !read_number(args, "dropped", trace_.info.dropped) ||
        !read_number(args, "events", promised) || args["devices"].get_array().get(devices)) {
      return broken("the metadata is incomplete");
    }
    for (auto element : devices) {
      json::object device;
      std::string_view device_name;
      DeviceInfo info;
      if (element.get_object().get(device) || device["name"].get_string().get(device_name) ||
          !read_number(device, "slots", info.slots) ||
          !read_number(device, "slot_bytes", info.slot_bytes) ||
          !read_number(device, "load_line_bytes", info.load_line_bytes)) {
        return broken("a device of the metadata is incomplete");
      }
      info.name = device_name;
      trace_.info.devices.push_back(std::move(info));
    }
    return {};
  }

  Expected<void> read_event(std::string_view line) {
    json::document document;
    json::object object;
    std::string_view name;
    std::string_view phase;
    if (!open(line, document, object) || object["name"].get_string().get(name) ||
        object["ph"].get_string().get(phase)) {
      return broken("an event needs a name and a phase");
    }
    if (phase == "M") return {};  // names for viewers
    Event event;
    if (!read_kind(name, phase, event)) return broken("no event has this name and phase");
    std::string_view time_text;
    json::object args;
    if (object["ts"].raw_json_token().get(time_text)) return broken("an event needs its time");
    const auto time = nanoseconds(time_text);
    if (!time) return broken("a time is microseconds with three decimals");
    event.time_ns = *time;
    if (object["args"].get_object().get(args) || !read_number(args, "load", event.load) ||
        !read_number(args, "unit", event.unit) || !read_number(args, "device", event.device) ||
        !read_number(args, "lane", event.lane) || !read_number(args, "bytes", event.bytes) ||
        !read_number(args, "credits", event.full_precision)) {
      return broken("an event's args lack a number, or it is out of range");
    }
    if (event.device >= trace_.info.devices.size()) return broken("no such device");
    if (!trace_.events.empty() && event.time_ns < trace_.events.back().time_ns) {
      return broken("events must be in order of time");
    }
    trace_.events.push_back(event);
    return {};
  }

  const simdjson::padded_string& text_;
  std::string_view rest_;
  const std::string& name_;
  std::size_t line_ = 0;
  bool had_comma_ = false;
  json::parser parser_;
  Trace trace_;
};

}  // namespace

Expected<Trace> parse_trace(std::string_view text, const std::string& name) {
  return TraceParser(simdjson::padded_string(text), name).parse();
}

Expected<Trace> read_trace(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    const auto code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::read_failed;
    return fail(code, std::strerror(errno), path);
  }
  if (!S_ISREG(found.st_mode)) return fail(ErrorCode::malformed, "not a regular file", path);
  auto text = simdjson::padded_string::load(path);
  if (text.error() != simdjson::SUCCESS) {
    return fail(ErrorCode::read_failed, simdjson::error_message(text.error()), path);
  }
  return TraceParser(text.value_unsafe(), path).parse();
}

}  // namespace plimsoll::trace
