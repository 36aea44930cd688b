#include "config/loader.hpp"

#include <algorithm>
#include <utility>

#include "config/embedded_files.hpp"
#include "config/nearest.hpp"
#include "config/toml_file.hpp"

namespace plimsoll::config {
namespace {

std::string line_of(const std::string& file, std::uint64_t line) {
  return file + ":" + std::to_string(line);
}

bool is_group(std::string_view key) {
  const std::span<const std::string_view> groups = setting_groups();
  return std::find(groups.begin(), groups.end(), key) != groups.end();
}

std::string_view shown_name(const SettingSchema& setting) {
  return setting.option.empty() ? setting.name : setting.option;
}

}  // namespace

Configuration::Configuration() {
  layers_.fill(Layer(schema().size()));
}

void Configuration::settle() {
  Settings settings;
  for (const Layer& layer : layers_) {
    for (std::size_t i = 0; i < layer.size(); ++i) {
      // Every value was assigned once before it came into its layer: this cannot fail.
      if (layer[i]) (void)assign(schema()[i], layer[i]->value, layer[i]->negated, settings);
    }
  }
  effective_ = std::move(settings);
}

Expected<Configuration::FileContents> Configuration::read_layer(std::string_view toml,
                                                                const std::string& name) {
  Expected<std::vector<WrittenSetting>> written = read_toml(toml, name);
  if (!written) return fail(written.error());
  FileContents contents{.layer = Layer(schema().size()), .profile = {}, .profile_line = {}};
  Settings scratch;
  for (WrittenSetting& setting : *written) {
    const std::string where = line_of(name, setting.line);
    const auto refuse = [&](const std::string& reason) {
      return fail(ErrorCode::invalid_config, setting.key + ": " + reason, where);
    };
    if (setting.key == "profile") {
      const auto* profile = std::get_if<std::string>(&setting.value);
      if (!profile || profile->empty()) return refuse("expected the name of a profile");
      contents.profile = *profile;
      contents.profile_line = where;
      continue;
    }
    const std::optional<FoundSetting> found = find_setting(setting.key);
    if (!found && is_group(setting.key)) {
      return refuse("is a group of settings; write [" + setting.key + "]");
    }
    if (!found) return refuse("unknown setting" + nearest_setting(setting.key));
    std::optional<Given>& given = contents.layer[found->index];
    if (given) {
      return refuse("the same setting is given at " + given->origin + " under another name");
    }
    const SettingSchema& known = schema()[found->index];
    const auto problem = assign(known, setting.value, found->negated, scratch);
    if (problem) return refuse(*problem);
    given = Given{std::move(setting.value), found->negated, where};
  }
  return contents;
}

Expected<void> Configuration::put_profile(std::string_view name, ErrorCode code,
                                          const std::string& where) {
  const std::optional<std::string_view> text = profile_text(name);
  if (!text) {
    const std::vector<std::string_view> names = profile_names();
    return fail(code, "unknown profile \"" + std::string(name) + "\"" + did_you_mean(name, names),
                where);
  }
  Expected<FileContents> contents = read_layer(*text, "profile " + std::string(name));
  if (!contents) return fail(contents.error());
  for (std::optional<Given>& given : contents->layer) {
    if (given) given->origin = "profile " + std::string(name);
  }
  layers_[profile_rank] = std::move(contents->layer);
  profile_ = name;
  settle();
  return {};
}

Expected<void> Configuration::load_profile(std::string_view name) {
  Expected<void> put = put_profile(name, ErrorCode::invalid_argument, {});
  if (put) profile_chosen_ = true;
  return put;
}

Expected<void> Configuration::load_file(const std::string& path) {
  const Expected<std::string> text = read_config_file(path);
  if (!text) return fail(text.error());
  return load_text(*text, path);
}

Expected<void> Configuration::load_text(std::string_view toml, const std::string& name) {
  Expected<FileContents> contents = read_layer(toml, name);
  if (!contents) return fail(contents.error());
  if (!contents->profile.empty() && !profile_chosen_) {
    Expected<void> put =
        put_profile(contents->profile, ErrorCode::invalid_config, contents->profile_line);
    if (!put) return put;
  }
  for (std::size_t i = 0; i < contents->layer.size(); ++i) {
    if (contents->layer[i]) layers_[file_rank][i] = std::move(contents->layer[i]);
  }
  settle();
  return {};
}

Expected<void> Configuration::set(std::string_view name, std::vector<std::string> texts,
                                  std::string origin) {
  const std::optional<FoundSetting> found = find_setting(name);
  if (!found) {
    return fail(ErrorCode::invalid_argument,
                "unknown setting \"" + std::string(name) + "\"" + nearest_setting(name));
  }
  const SettingSchema& setting = schema()[found->index];
  RawValue value = OptionTexts{std::move(texts)};
  Settings scratch;
  if (const auto problem = assign(setting, value, found->negated, scratch)) {
    return fail(ErrorCode::invalid_argument, std::string(shown_name(setting)) + ": " + *problem);
  }
  if (origin.empty()) origin = "command line (" + std::string(shown_name(setting)) + ")";
  layers_[command_line_rank][found->index] =
      Given{std::move(value), found->negated, std::move(origin)};
  settle();
  return {};
}

Expected<void> Configuration::set(std::string_view name, std::string_view text,
                                  std::string origin) {
  return set(name, std::vector{std::string(text)}, std::move(origin));
}

std::string Configuration::origin(std::size_t index) const {
  for (std::size_t rank = rank_count; rank > 0; --rank) {
    const std::optional<Given>& given = layers_[rank - 1].at(index);
    if (given) return given->origin;
  }
  return "default";
}

std::vector<std::string_view> profile_names() {
  std::vector<std::string_view> names;
  for (const EmbeddedFile& file : embedded_profiles()) names.push_back(file.name);
  return names;
}

std::optional<std::string_view> profile_text(std::string_view name) {
  for (const EmbeddedFile& file : embedded_profiles()) {
    if (file.name == name) return file.text;
  }
  return std::nullopt;
}

}  // namespace plimsoll::config
