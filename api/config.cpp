#include "plimsoll/config.hpp"

#include <utility>

#include "api/throwing.hpp"
#include "config/effective.hpp"
#include "config/loader.hpp"
#include "config/schema.hpp"

namespace plimsoll {

Config::Config() : state_(std::make_unique<config::Configuration>()) {}
Config::Config(const Config& other)
    : state_(std::make_unique<config::Configuration>(*other.state_)) {}
Config::Config(Config&& other) noexcept = default;
Config::~Config() = default;

Config& Config::operator=(Config other) noexcept {
  state_.swap(other.state_);
  return *this;
}

Config Config::from_file(const std::string& path) {
  Config config;
  config.use_file(path);
  return config;
}

Config Config::from_profile(const std::string& name) {
  Config config;
  config.use_profile(name);
  return config;
}

Config& Config::use_profile(const std::string& name) {
  or_throw(state_->load_profile(name));
  return *this;
}

Config& Config::use_file(const std::string& path) {
  or_throw(state_->load_file(path));
  return *this;
}

Config& Config::set(std::string_view name, const std::string& value) {
  or_throw(state_->set(name, value));
  return *this;
}

Config& Config::set(std::string_view name, const std::vector<std::string>& values) {
  or_throw(state_->set(name, values));
  return *this;
}

std::string Config::get(std::string_view name) const {
  const auto found = config::find_setting(name);
  if (!found) {
    throw Error(ErrorCode::invalid_argument,
                "no setting is called " + std::string(name) + config::nearest_setting(name));
  }
  return config::effective_settings(*state_)[found->index].value.value_or("");
}

std::vector<Config::Setting> Config::settings() const {
  std::vector<Setting> settings;
  for (const config::EffectiveSetting& setting : config::effective_settings(*state_)) {
    settings.push_back({std::string(setting.name), setting.value.value_or(""), setting.origin});
  }
  return settings;
}

}  // namespace plimsoll
