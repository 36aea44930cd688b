#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/log.hpp"
#include "cli/plan_text.hpp"
#include "cli/setting_options.hpp"
#include "cli/standard_streams.hpp"
#include "cli/usage_error.hpp"
#include "plimsoll/engine.hpp"

namespace plimsoll::cli {
namespace {

/// Takes every option of `quantize`, so that a command can be tried as a plan first.
struct PlanCommand {
  explicit PlanCommand(CLI::App& command)
      : settings(command, [](const config::SettingSchema&) { return true; }) {
    command.add_option("PATH", path, "A checkpoint's directory, or one file")->required();
  }

  void run() const {
    const Config config = settings.configuration();
    const config::Settings& effective = config.internals().settings();
    start_log(effective.log.level);
    if (!effective.recipe.to) throw UsageError("--to FORMAT is missing");
    const Engine engine(config);
    const Plan plan = engine.plan(path, effective.output.path);
    print(effective.output.json ? plan_json_line(plan) : plan_text(plan));
  }

  SettingOptions settings;
  std::string path;
};

}  // namespace

void add_plan(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "plan", "Shows what load would do, or quantize with -o; reads headers only");
  const auto state = std::make_shared<PlanCommand>(*command);
  command->callback([state] { state->run(); });
}

}  // namespace plimsoll::cli
