#include "api/load_trace.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "trace/trace_file.hpp"

namespace plimsoll {

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
