#include "config/reference_page.hpp"

#include <optional>
#include <string_view>

#include "config/loader.hpp"
#include "config/schema.hpp"
#include "config/setting_text.hpp"

namespace plimsoll::config {
namespace {

std::string code(std::string_view text) {
  return std::string(1, '`').append(text).append(1, '`');
}

/// A table's cell must not end at a bar of its own.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void append_group(std::string& out, std::string_view group, const Settings& standard) {
  out.append("### [").append(group).append("]\n\n");
  out += "| setting | option | values | default | |\n|---|---|---|---|---|\n";
  for (const SettingSchema& setting : schema()) {
    if (setting.group() != group) continue;
    const std::optional<std::string> value = toml_value(setting, standard);
    std::string option(setting.option);
    if (!option.empty() && !setting.value.empty()) option.append(" ").append(setting.value);
    out.append("| ").append(code(setting.key()));
    out.append(" | ").append(option.empty() ? "" : cell(code(option)));
    out.append(" | ").append(cell(range_text(setting)));
    out.append(" | ").append(value ? code(*value) : "not set");
    out.append(" | ").append(cell(setting.documentation)).append(" |\n");
  }
  out += '\n';
}

void append_profile(std::string& out, std::string_view name) {
  out.append("### ").append(name).append("\n\n```toml\n");
  out.append(profile_text(name).value_or("")).append("```\n");
}

}  // namespace

std::string settings_reference() {
  std::string out = "## Settings\n\n";
  const Settings standard;
  for (std::string_view group : setting_groups()) append_group(out, group, standard);
  out += "## Profiles\n";
  for (std::string_view name : profile_names()) {
    out += '\n';
    append_profile(out, name);
  }
  return out;
}

}  // namespace plimsoll::config
