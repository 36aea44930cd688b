#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/setting_options.hpp"
#include "cli/standard_streams.hpp"
#include "config/effective.hpp"

namespace plimsoll::cli {
namespace {

/// The value as TOML text, which is what a config file would hold; null if there is none.
Json settings_json(const config::Configuration& configuration) {
  Json settings = Json::array();
  for (const config::EffectiveSetting& setting : config::effective_settings(configuration)) {
    settings.push_back({{"name", setting.name},
                        {"value", setting.value ? Json(*setting.value) : Json()},
                        {"origin", setting.origin},
                        {"documentation", setting.documentation}});
  }
  return {{"profile", configuration.profile()}, {"settings", std::move(settings)}};
}

}  // namespace

void add_config(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("config", "Shows the effective settings, and where each came from");
  const auto options =
      std::make_shared<SettingOptions>(*command, [](const config::SettingSchema&) { return true; });
  command->callback([options] {
    const Config config = options->configuration();
    const config::Configuration& effective = config.internals();
    print(effective.settings().output.json ? json_line(settings_json(effective))
                                           : config::effective_toml(effective));
  });
}

}  // namespace plimsoll::cli
