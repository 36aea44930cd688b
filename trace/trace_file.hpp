#pragma once

#include <string>
#include <string_view>

#include "errors/expected.hpp"
#include "trace/trace.hpp"

namespace plimsoll::trace {

/// The trace file is a Chrome trace: chrome://tracing and Perfetto open it as it is. It is JSON,
/// one element of `traceEvents` a line, so that line tools work on it too:
///
///     {"displayTimeUnit":"ns","traceEvents":[
///     {"name":"plimsoll","ph":"M",...,"args":{"version":1,"complete":true,"dropped":0,
///      "events":2,"devices":[{"name":"host:0","slots":4,"slot_bytes":...,"load_line_bytes":...}]}},
///     {"name":"slot","cat":"unit","ph":"b","ts":1.250,"pid":1,"tid":1,"id":"0.7.0",
///      "args":{"load":0,"unit":7,"device":0,"lane":0,"bytes":4194304,"credits":1}},
///     ...
///     ]}
///
/// The first element is the metadata (one line; it is broken here to fit the page). Times are
/// microseconds with exactly three decimals, made from integers. A grant and its release are the
/// ends ("b", "e") of a span called "slot"; a read, of which a lane has several at once, is such a
/// span too; the other stages are "B" and "E". Further "M" elements name processes (devices) and
/// threads (a lane's stages) for the viewers. What counts when reading back is `name`, `ph`, `ts`
/// and `args`; the rest is for viewers. Equal traces give equal bytes.
inline constexpr int trace_file_version = 1;

/// The whole file as text: about 150 bytes an event.
[[nodiscard]] std::string format_trace(const Trace& trace);

/// Writes the file under a temporary name beside it and renames it, so that PATH is never half a
/// trace. What is there and is no regular file (a pipe, /dev/null) is written to directly. Needs
/// about 1 MiB, whatever the number of events; a million take about half a second.
/// Errors: write_failed, disk_full; nothing is left behind.
[[nodiscard]] Expected<void> write_trace(const std::string& path, const Trace& trace);

/// Reads what write_trace wrote. Errors: not_found, read_failed, malformed (with the line's
/// number), unsupported (another version). Holds the text and the events.
[[nodiscard]] Expected<Trace> read_trace(const std::string& path);

/// The same from text; `name` stands for the file in errors.
[[nodiscard]] Expected<Trace> parse_trace(std::string_view text, const std::string& name);

}  // namespace plimsoll::trace
