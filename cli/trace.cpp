#include "trace/trace.hpp"

#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/standard_streams.hpp"
#include "errors/printable.hpp"
#include "trace/invariants.hpp"
#include "trace/report.hpp"
#include "trace/trace_file.hpp"

namespace plimsoll::cli {
namespace {

Json stage_json(const trace::StageSummary& stage) {
  Json lanes = Json::array();
  for (const trace::LaneBusy& lane : stage.lanes) {
    lanes.push_back({{"device", lane.device}, {"lane", lane.lane}, {"busy_ns", lane.busy_ns}});
  }
  return {{"stage", trace::name_of(stage.kind)},
          {"units", stage.units},
          {"bytes", stage.bytes},
          {"total_ns", stage.total_ns},
          {"lanes", std::move(lanes)}};
}

Json device_json(const trace::DeviceInfo& device, const trace::DevicePeak& peak) {
  return {{"name", device.name},
          {"load_line_bytes", device.load_line_bytes},
          {"slots", device.slots},
          {"slot_bytes", device.slot_bytes},
          {"grants", peak.grants},
          {"peak_credits", peak.credits},
          {"peak_slot_bytes", peak.slot_bytes}};
}

Json trace_json(const trace::Summary& summary, const trace::TraceInfo& info,
                const std::vector<std::string>& violations) {
  Json stages = Json::array();
  for (const trace::StageSummary& stage : summary.stages) stages.push_back(stage_json(stage));
  Json devices = Json::array();
  for (std::size_t i = 0; i < info.devices.size(); ++i) {
    devices.push_back(device_json(info.devices[i], summary.devices[i]));
  }
  return {{"complete", info.complete},   {"dropped", info.dropped},
          {"events", summary.events},    {"duration_ns", summary.duration_ns},
          {"stages", std::move(stages)}, {"devices", std::move(devices)},
          {"violations", violations}};
}

std::string violations_text(const std::vector<std::string>& violations) {
  if (violations.empty()) return "every rule of a run was kept\n";
  std::string out;
  for (const std::string& violation : violations) {
    out += "broken: " + printable(violation) + "\n";
  }
  return out;
}

/// What the trace shows goes to stdout in any case; a broken rule is a failure besides.
void run_trace(const std::string& path, bool json) {
  const auto trace = trace::read_trace(path);
  if (!trace) throw trace.error();
  const trace::Summary summary = trace::summarize(*trace);
  const std::vector<std::string> violations = trace::find_violations(*trace);
  print(json ? json_line(trace_json(summary, trace->info, violations))
             : trace::to_text(summary, trace->info) + violations_text(violations));
  if (!violations.empty()) {
    throw Error(ErrorCode::malformed, "the run broke its rules: " + violations.front(), path);
  }
}

}  // namespace

void add_trace(CLI::App& program) {
  struct State {
    std::string path;
    bool json = false;
  };
  CLI::App* command =
      program.add_subcommand("trace", "Sums up a trace file and checks the rules of a run");
  const auto state = std::make_shared<State>();
  command->add_option("FILE", state->path, "What --trace wrote")->required();
  command->add_flag("--json", state->json, "Prints one JSON object in place of text");
  command->callback([state] { run_trace(state->path, state->json); });
}

}  // namespace plimsoll::cli
