#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/json_output.hpp"
#include "cli/load_text.hpp"
#include "cli/log.hpp"
#include "cli/progress_bar.hpp"
#include "cli/setting_options.hpp"
#include "cli/standard_streams.hpp"
#include "cli/usage_error.hpp"
#include "plimsoll/engine.hpp"

namespace plimsoll::cli {
namespace {

constexpr auto look_interval = std::chrono::milliseconds(50);

/// Waits for the end, shows how far it is, and cancels when a signal asks for it.
void follow(Load& load, const Interruption& interruption, bool with_progress) {
  ProgressDisplay display(with_progress);
  while (!load.wait_for(look_interval)) {
    if (interruption.came()) load.cancel();
    display.show(load.progress());
  }
}

/// Tells what the budget took away, which a plan does not complain about.
void log_plan(const Plan& plan, const config::Settings& settings) {
  for (const PlannedDevice& device : plan.devices) {
    spdlog::info("{}: load line {} bytes, {} units, {} slots of {} bytes", device.name,
                 device.load_line_bytes, device.units, device.slots, device.slot_bytes);
    if (device.slots < settings.plan.slots) {
      spdlog::info("{}: the budget lowers slots from {} to {}", device.name, settings.plan.slots,
                   device.slots);
    }
  }
  if (plan.unit_bytes < settings.plan.unit_bytes) {
    spdlog::info("the budget lowers unit bytes from {} to {}", settings.plan.unit_bytes,
                 plan.unit_bytes);
  }
}

/// The rest of `load` and `quantize`.
void run_load(const std::string& path, const Config& config, bool to_files) {
  const config::Settings& settings = config.internals().settings();
  start_log(settings.log.level);
  if (!settings.recipe.to) throw UsageError("--to FORMAT is missing");
  if (to_files && settings.output.path.empty()) throw UsageError("-o OUT is missing");

  const Interruption interruption;
  Engine engine(config);
  Load load = to_files ? engine.quantize(path, settings.output.path) : engine.load(path);
  log_plan(load.plan(), settings);
  if (!settings.output.json) print(load_line_text(load.plan()));
  follow(load, interruption, settings.log.progress);
  const Report& report = load.report();
  print(settings.output.json ? json_line(report_json(report)) : report_text(report));
}

struct LoadCommand {
  LoadCommand(CLI::App& command, bool (*applies)(const config::SettingSchema&))
      : settings(command, applies) {
    command.add_option("PATH", path, "A checkpoint's directory, or one file")->required();
  }

  SettingOptions settings;
  std::string path;
};

bool suits_load(const config::SettingSchema& setting) {
  return setting.group() != "output" || setting.key() == "json";
}

bool suits_quantize(const config::SettingSchema&) {
  return true;
}

}  // namespace

void add_load(CLI::App& program) {
  CLI::App* command = program.add_subcommand("load", "Loads into memory, reports and exits");
  const auto state = std::make_shared<LoadCommand>(*command, suits_load);
  command->callback([state] { run_load(state->path, state->settings.configuration(), false); });
}

void add_quantize(CLI::App& program) {
  CLI::App* command = program.add_subcommand("quantize", "Writes a checkpoint from a checkpoint");
  const auto state = std::make_shared<LoadCommand>(*command, suits_quantize);
  command->callback([state] { run_load(state->path, state->settings.configuration(), true); });
}

}  // namespace plimsoll::cli
