#include "trace/trace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <tuple>

#include "errors/printable.hpp"

namespace plimsoll::trace {
namespace {

constexpr std::size_t flush_bytes = 1u << 20;

// Viewers treat process 0 and thread 0 as the system's, so both count from 1. A stage of a lane is
// a thread of its own: stages of different units run side by side on one lane.
std::uint32_t viewer_process(const Event& event) {
  return event.device + 1u;
}
std::uint32_t viewer_thread(const Event& event) {
  const auto kind = event.kind == EventKind::release ? EventKind::grant : event.kind;
  return event.lane * 8u + static_cast<std::uint32_t>(kind) + 1u;
}

std::string_view viewer_name(EventKind kind) {
  return kind == EventKind::grant || kind == EventKind::release ? "slot" : name_of(kind);
}

std::string_view viewer_phase(const Event& event) {
  if (event.kind == EventKind::grant) return "b";
  if (event.kind == EventKind::release) return "e";
  if (event.kind == EventKind::read) return event.phase == EventPhase::begin ? "b" : "e";
  return event.phase == EventPhase::begin ? "B" : "E";
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void append_microseconds(std::string& out, std::uint64_t ns) {
  append_number(out, ns / 1000);
  const auto rest = static_cast<unsigned>(ns % 1000);
  const char decimals[4] = {'.', static_cast<char>('0' + rest / 100),
                            static_cast<char>('0' + rest / 10 % 10),
                            static_cast<char>('0' + rest % 10)};
  out.append(decimals, sizeof decimals);
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_metadata(std::string& out, const Trace& trace) {
  out += R"({"name":"plimsoll","ph":"M","pid":1,"tid":1,"args":{"version":)";
  append_number(out, trace_file_version);
  out += R"(,"complete":)";
  out += trace.info.complete ? "true" : "false";
  out += R"(,"dropped":)";
  append_number(out, trace.info.dropped);
  out += R"(,"events":)";
  append_number(out, trace.events.size());
  out += R"(,"devices":[)";
  const char* separator = "";
  for (const DeviceInfo& device : trace.info.devices) {
    out += separator;
    separator = ",";
    out += R"({"name":)";
    append_string(out, device.name);
    out += R"(,"slots":)";
    append_number(out, device.slots);
    out += R"(,"slot_bytes":)";
    append_number(out, device.slot_bytes);
    out += R"(,"load_line_bytes":)";
    append_number(out, device.load_line_bytes);
    out += '}';
  }
  out += "]}}";
}

/// Names for the viewers: a process a device, a thread a stage of a lane.
void append_viewer_names(std::string& out, const Trace& trace) {
  for (std::size_t i = 0; i < trace.info.devices.size(); ++i) {
    out += ",\n";
    out += R"({"name":"process_name","ph":"M","pid":)";
    append_number(out, i + 1);
    out += R"(,"tid":1,"args":{"name":)";
    append_string(out, trace.info.devices[i].name);
    out += "}}";
  }
  std::set<std::tuple<std::uint32_t, std::uint32_t, EventKind, std::uint32_t>> threads;
  for (const Event& event : trace.events) {
    const auto kind = event.kind == EventKind::release ? EventKind::grant : event.kind;
    threads.emplace(viewer_process(event), viewer_thread(event), kind, event.lane);
  }
  for (const auto& [process, thread, kind, lane] : threads) {
    out += ",\n";
    out += R"({"name":"thread_name","ph":"M","pid":)";
    append_number(out, process);
    out += R"(,"tid":)";
    append_number(out, thread);
    out += R"(,"args":{"name":"lane )";
    append_number(out, lane);
    out += ' ';
    out += viewer_name(kind);
    out += "\"}}";
  }
}

void append_event(std::string& out, const Event& event) {
  const std::string_view phase = viewer_phase(event);
  out += R"({"name":")";
  out += viewer_name(event.kind);
  out += R"(","cat":"unit","ph":")";
  out += phase;
  out += R"(","ts":)";
  append_microseconds(out, event.time_ns);
  out += R"(,"pid":)";
  append_number(out, viewer_process(event));
  out += R"(,"tid":)";
  append_number(out, viewer_thread(event));
  if (phase == "b" || phase == "e") {
    out += R"(,"id":")";
    append_number(out, event.load);
    out += '.';
    append_number(out, event.unit);
    out += '.';
    append_number(out, event.device);
    out += '"';
  }
  out += R"(,"args":{"load":)";
  append_number(out, event.load);
  out += R"(,"unit":)";
  append_number(out, event.unit);
  out += R"(,"device":)";
  append_number(out, event.device);
  out += R"(,"lane":)";
  append_number(out, event.lane);
  out += R"(,"bytes":)";
  append_number(out, event.bytes);
  out += R"(,"credits":)";
  append_number(out, event.full_precision);
  out += "}}";
}

using Flush = std::function<Expected<void>(std::string& text)>;

/// Formats piece by piece; `flush` is given what has gathered and empties it.
Expected<void> stream_trace(const Trace& trace, const Flush& flush) {
  std::string text;
  text.reserve(flush_bytes + 512);
  text += "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
  append_metadata(text, trace);
  append_viewer_names(text, trace);
  for (const Event& event : trace.events) {
    text += ",\n";
    append_event(text, event);
    if (text.size() < flush_bytes) continue;
    if (auto flushed = flush(text); !flushed) return flushed;
  }
  text += "\n]}\n";
  return flush(text);
}

tl::unexpected<Error> fail_write(int error, const std::string& path, const char* what) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return fail(full ? ErrorCode::disk_full : ErrorCode::write_failed,
              std::string(what) + ": " + std::strerror(error), path);
}

/// Writes all of `text`, then empties it.
Expected<void> write_text(int file, std::string& text, const std::string& path) {
  std::span<const char> rest(text);
  while (!rest.empty()) {
    const ssize_t written = ::write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_write(errno, path, "cannot write the trace");
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  text.clear();
  return {};
}

Expected<void> write_to(const std::string& path, int flags, const Trace& trace) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  if (file < 0) return fail_write(errno, path, "cannot create the trace");
  auto written =
      stream_trace(trace, [&](std::string& text) { return write_text(file, text, path); });
  if (::close(file) != 0 && written) return fail_write(errno, path, "cannot write the trace");
  return written;
}

}  // namespace

std::string format_trace(const Trace& trace) {
  std::string whole;
  // Appending to a string cannot fail as writing to a file can.
  static_cast<void>(stream_trace(trace, [&](std::string& text) -> Expected<void> {
    whole += text;
    text.clear();
    return {};
  }));
  return whole;
}

Expected<void> write_trace(const std::string& path, const Trace& trace) {
  struct stat found {};
  const bool exists = ::stat(path.c_str(), &found) == 0;
  if (exists && !S_ISREG(found.st_mode)) return write_to(path, 0, trace);

  // A link to a file is followed, so that the file is replaced and not the link.
  std::error_code ignored;
  std::string target = exists ? std::filesystem::canonical(path, ignored).string() : path;
  if (target.empty()) target = path;
  const std::string temporary = target + ".part-" + std::to_string(::getpid());
  auto written = write_to(temporary, O_CREAT | O_TRUNC, trace);
  if (written && std::rename(temporary.c_str(), target.c_str()) != 0) {
    written = fail_write(errno, path, "cannot rename the trace into place");
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace plimsoll::trace
