#include "config/effective.hpp"

#include <algorithm>

#include "config/setting_text.hpp"
#include "errors/printable.hpp"

namespace plimsoll::config {

std::vector<EffectiveSetting> effective_settings(const Configuration& configuration) {
  std::vector<EffectiveSetting> out;
  for (std::size_t i = 0; i < schema().size(); ++i) {
    const SettingSchema& setting = schema()[i];
    out.push_back({setting.name, toml_value(setting, configuration.settings()),
                   configuration.origin(i), setting.documentation});
  }
  return out;
}

std::string effective_toml(const Configuration& configuration) {
  const std::vector<EffectiveSetting> settings = effective_settings(configuration);
  std::string out;
  for (std::string_view group : setting_groups()) {
    out.append(out.empty() ? "[" : "\n[").append(group).append("]\n");
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (schema()[i].group() != group) continue;
      std::string line(schema()[i].key());
      line = settings[i].value ? line + " = " + *settings[i].value : "# " + line + " is not set";
      // Comments stand below each other where the values are short.
      line.append(std::max<std::size_t>(32, line.size() + 2) - line.size(), ' ');
      out.append(line).append("# ").append(printable(settings[i].origin)).append("\n");
    }
  }
  return out;
}

}  // namespace plimsoll::config
