#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/error.hpp"
#include "plimsoll/export.hpp"

namespace plimsoll {

namespace config {
class Configuration;
}

/// Settings of an engine and its loads. Starts with the embedded defaults; a profile, a file and
/// single values laid over them win in that order, whatever the order of the calls.
///
/// Names are those of the command line and the config file ("slots", "io.source"); see
/// docs/configuration.md. A value type: copies are independent.
class PLIMSOLL_API Config {
 public:
  Config();
  Config(const Config& other);
  Config(Config&& other) noexcept;
  Config& operator=(Config other) noexcept;
  ~Config();

  /// Defaults, the file's profile if it names one, and the file. Throws Error (invalid_config with
  /// file, line and the nearest known key; not_found).
  [[nodiscard]] static Config from_file(const std::string& path);

  /// Defaults and a shipped profile. Throws Error (invalid_argument, naming the nearest
  /// profile there is).
  [[nodiscard]] static Config from_profile(const std::string& name);

  /// Lays a shipped profile under the file and the single values. Throws Error (invalid_argument).
  Config& use_profile(const std::string& name);

  /// Lays a file over the profile. Throws Error as from_file does.
  Config& use_file(const std::string& path);

  /// Sets one value, written as on the command line; a list setting is given each of its values in
  /// one call. Throws Error (invalid_argument). Returns *this, so that calls can be chained.
  Config& set(std::string_view name, const std::string& value);
  Config& set(std::string_view name, const std::vector<std::string>& values);
  Config& set(std::string_view name, std::initializer_list<std::string> values) {
    return set(name, std::vector<std::string>(values));
  }

  /// The value in effect as TOML text; empty if it is not set. Throws Error for an unknown name.
  [[nodiscard]] std::string get(std::string_view name) const;

  /// One setting: canonical name, value, and where the value came from ("default",
  /// "profile low-memory", "plimsoll.toml:3", "--slots").
  struct Setting {
    std::string name;
    std::string value;
    std::string origin;
  };
  [[nodiscard]] std::vector<Setting> settings() const;

  /// What the library itself works with.
  [[nodiscard]] const config::Configuration& internals() const noexcept { return *state_; }
  [[nodiscard]] config::Configuration& internals() noexcept { return *state_; }

 private:
  std::unique_ptr<config::Configuration> state_;
};

}  // namespace plimsoll
