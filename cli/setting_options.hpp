#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.hpp"
#include "config/schema.hpp"
#include "plimsoll/config.hpp"

namespace plimsoll::cli {

/// The options of one subcommand that are settings: made from the schema, so that name, value and
/// documentation stand in one place, and read back as the configuration they make.
///
/// Adds --config, --profile, -v and -q too. Lives as long as the subcommand.
class SettingOptions {
 public:
  /// Adds the options of the settings that `applies` takes; a setting without an option has none.
  SettingOptions(CLI::App& command, bool (*applies)(const config::SettingSchema&));
  SettingOptions(const SettingOptions&) = delete;
  SettingOptions& operator=(const SettingOptions&) = delete;

  /// Defaults, profile, file and command line. After parsing. Throws UsageError for what is wrong
  /// on the command line, Error for what is wrong in the file.
  [[nodiscard]] Config configuration() const;

 private:
  struct Given {
    const config::SettingSchema* setting = nullptr;
    CLI::Option* option = nullptr;
    std::vector<std::string> texts;
  };

  void lay_log_level(Config& config) const;

  std::vector<std::unique_ptr<Given>> given_;
  std::vector<std::string> files_;
  std::string profile_;
  CLI::Option* profile_option_ = nullptr;
  int louder_ = 0;
  int quieter_ = 0;
};

}  // namespace plimsoll::cli
