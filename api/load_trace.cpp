#include "api/load_trace.hpp"

#include <unistd.h>
#include <algorithm>
#include <fstream>
#include <string_view>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "trace/trace_file.hpp"

namespace plimsoll {
namespace {

namespace fs = std::filesystem;

/// Whether `file`, links followed, lies in `directory` or below.
bool lies_inside(const std::string& file, const std::string& directory) {
  std::error_code ignored;
  const fs::path path = fs::weakly_canonical(file, ignored);
  const fs::path folder = fs::weakly_canonical(directory, ignored) / "";
  const auto [end, rest] = std::mismatch(folder.begin(), --folder.end(), path.begin(), path.end());
  return end == --folder.end() && rest != path.end();
}

/// A trace of an earlier load may be replaced.
bool is_trace(const std::string& file) {
  constexpr std::string_view head = R"({"displayTimeUnit":"ns","traceEvents")";
  std::string found(head.size(), '\0');
  std::ifstream stream(file, std::ios::binary);
  return stream.read(found.data(), static_cast<std::streamsize>(found.size())) && found == head;
}

}  // namespace

Expected<void> check_trace_harms_nothing(const std::string& file,
                                         const std::string& source_directory,
                                         const std::string& out) {
  if (file.empty()) return {};
  if (!out.empty() && lies_inside(file, out)) {
    return fail(ErrorCode::invalid_argument, "the trace cannot lie in the output directory", file);
  }
  std::error_code ignored;
  if (fs::is_regular_file(file, ignored) && lies_inside(file, source_directory) &&
      !is_trace(file)) {
    return fail(ErrorCode::invalid_argument,
                "the trace would take the place of a file of the source", file);
  }
  return {};
}

Expected<void> check_trace_place(const std::string& file) {
  if (file.empty()) return {};
  std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (folder.empty()) folder = ".";
  if (access(folder.c_str(), W_OK | X_OK) == 0) return {};
  const std::string why = std::generic_category().message(errno);
  if (access(file.c_str(), W_OK) == 0) return {};  // a device, or a pipe
  return fail(ErrorCode::write_failed, "the trace cannot be written: " + why, file);
}

Expected<void> write_load_trace(const std::string& file, const plan::Plan& plan,
                                const trace::Recorder& recorder, bool complete) {
  if (!recorder.enabled()) return {};
  trace::Trace trace;
  trace.events = recorder.events();
  for (trace::Event& event : trace.events) event.time_ns += recorder.start_ns();
  trace.info.complete = complete;
  trace.info.dropped = recorder.dropped();
  for (const plan::DeviceLine& line : plan.devices) {
    trace.info.devices.push_back({line.name, line.slots, line.slot_bytes, line.load_line});
  }
  return trace::write_trace(file, trace);
}

}  // namespace plimsoll
