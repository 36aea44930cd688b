#include "cli/setting_options.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "cli/usage_error.hpp"
#include "config/loader.hpp"

namespace plimsoll::cli {
namespace {

bool is_switch(const config::SettingSchema& setting) {
  config::Settings scratch;
  return std::holds_alternative<bool*>(setting.place(scratch));
}

/// What a switch that is on by default does when its option is written.
std::string help_of(const config::SettingSchema& setting) {
  return std::string(setting.option_negates ? "Turns off: " : "").append(setting.documentation);
}

}  // namespace

SettingOptions::SettingOptions(CLI::App& command, bool (*applies)(const config::SettingSchema&)) {
  for (const config::SettingSchema& setting : config::schema()) {
    if (setting.option.empty() || !applies(setting)) continue;
    Given& given = *given_.emplace_back(std::make_unique<Given>());
    given.setting = &setting;
    const std::string name(setting.option);
    const std::string help = help_of(setting);
    if (is_switch(setting)) {
      given.option = command.add_flag(name, help);
    } else {
      // One text for each time it is written; whether that may be often is the setting's business.
      given.option = command.add_option(name, given.texts, help)
                         ->type_name(std::string(setting.value))
                         ->type_size(1)
                         ->expected(1)
                         ->allow_extra_args(false)
                         ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    given.option->group(std::string(setting.group()));
  }
  command.add_option("--config", files_, "A file with settings; a later one wins over an earlier")
      ->type_name("FILE")
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  std::string profiles;
  for (const std::string_view name : config::profile_names()) {
    profiles.append(profiles.empty() ? "" : "|").append(name);
  }
  profile_option_ =
      command.add_option("--profile", profile_, "Settings for a purpose")->type_name(profiles);
  command.add_flag("-v", louder_, "Says more on stderr; twice: even more")->group("log");
  command.add_flag("-q", quieter_, "Says less on stderr")->group("log");
}

Config SettingOptions::configuration() const {
  Config config;
  try {
    if (profile_option_->count() > 0) config.use_profile(profile_);
  } catch (const Error& error) {
    throw UsageError("--profile: " + error.reason());
  }
  for (const std::string& file : files_) config.use_file(file);
  for (const auto& given : given_) {
    if (given->option->count() == 0) continue;
    try {
      config.set(given->setting->option, given->texts);
    } catch (const Error& error) {
      throw UsageError(error.reason());
    }
  }
  lay_log_level(config);
  return config;
}

/// -v and -q move from whatever level profile and file chose.
void SettingOptions::lay_log_level(Config& config) const {
  if (louder_ == 0 && quieter_ == 0) return;
  const auto words = config::choices(static_cast<const config::LogLevel*>(nullptr));
  const int last = static_cast<int>(words.size()) - 1;
  const int level = static_cast<int>(config.internals().settings().log.level);
  const int moved = std::clamp(level + louder_ - quieter_, 0, last);
  const std::string_view word = words[static_cast<std::size_t>(moved)];
  const std::string origin = louder_ > quieter_ ? "command line (-v)" : "command line (-q)";
  (void)config.internals().set("log.level", word, origin);
}

}  // namespace plimsoll::cli
