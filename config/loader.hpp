#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.hpp"
#include "config/setting_value.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"

namespace plimsoll::config {

/// The effective settings and where each of them came from.
///
/// Four layers lie on each other: the embedded defaults, one profile, the config file, the command
/// line. A setting has the value of the topmost layer that gives one, in whatever order the layers
/// are loaded. Everything is validated when it comes in; a call that fails changes nothing.
/// A plain value: copyable, no locks, no global state.
class Configuration {
 public:
  /// The embedded defaults.
  Configuration();

  /// Lays the settings of a TOML file over the profile. A later file wins over an earlier one. A
  /// top-level `profile = "NAME"` loads that profile, unless load_profile has chosen one.
  /// Unknown keys (the reason names the nearest), wrong types, values out of range and a setting
  /// that is given twice under different names are invalid_config at "FILE:LINE".
  Expected<void> load_file(const std::string& path);

  /// The same from text; `name` stands for the file in errors and origins.
  Expected<void> load_text(std::string_view toml, const std::string& name);

  /// Puts a shipped profile in place of the one before. invalid_argument for an unknown name.
  Expected<void> load_profile(std::string_view name);

  /// A setting from the command line: `name` is canonical or the option's, `texts` what was given,
  /// one text for each time the option was written (none for a switch). Lists replace the layers
  /// below. `origin` is for people, "command line (--slots)" if empty. invalid_argument with
  /// "OPTION: reason" if the value does not suit the setting.
  Expected<void> set(std::string_view name, std::vector<std::string> texts,
                     std::string origin = {});
  Expected<void> set(std::string_view name, std::string_view text, std::string origin = {});

  [[nodiscard]] const Settings& settings() const noexcept { return effective_; }

  /// "default", "profile NAME", "FILE:LINE" or the command line's origin, by schema() index.
  [[nodiscard]] std::string origin(std::size_t index) const;

  /// The loaded profile's name; empty if there is none.
  [[nodiscard]] const std::string& profile() const noexcept { return profile_; }

 private:
  struct Given {
    RawValue value;
    bool negated = false;
    std::string origin;
  };
  using Layer = std::vector<std::optional<Given>>;  // by schema() index
  enum Rank : std::size_t { profile_rank, file_rank, command_line_rank, rank_count };

  struct FileContents {
    Layer layer;
    std::string profile;       // named by the file; empty if none
    std::string profile_line;  // "FILE:LINE"
  };
  static Expected<FileContents> read_layer(std::string_view toml, const std::string& name);
  Expected<void> put_profile(std::string_view name, ErrorCode code, const std::string& where);
  void settle();

  std::array<Layer, rank_count> layers_;
  std::string profile_;
  bool profile_chosen_ = false;  // by load_profile, which a file cannot overrule
  Settings effective_;
};

/// The shipped profiles' names, in alphabetical order.
[[nodiscard]] std::vector<std::string_view> profile_names();

/// A shipped profile's text as it stands in its file; nothing for an unknown name.
[[nodiscard]] std::optional<std::string_view> profile_text(std::string_view name);

}  // namespace plimsoll::config
