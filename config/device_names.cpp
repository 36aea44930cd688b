#include "config/device_names.hpp"

#include <algorithm>

namespace plimsoll::config {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool is_number(std::string_view text) {
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool canonical = text.size() == 1 || !text.starts_with('0');
  return digits && canonical && !text.empty() && text.size() <= 4;
}

/// The canonical name, or nothing.
std::optional<std::string> device_name(std::string_view text) {
  if (text == "host") return "host";
  if (text == "cuda") return "cuda:0";
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view kind = text.substr(0, colon);
  const std::string_view number = text.substr(colon + 1);
  if ((kind != "host" && kind != "cuda") || !is_number(number)) return std::nullopt;
  if (number.size() == 4 && number >= "1024") return std::nullopt;
  return std::string(text);
}

}  // namespace

std::optional<std::string> parse_devices(const std::vector<std::string>& texts,
                                         std::vector<std::string>& devices) {
  for (const std::string& text : texts) {
    std::string_view rest = text;
    while (true) {
      const std::size_t comma = rest.find(',');
      const std::string_view word = trimmed(rest.substr(0, comma));
      std::optional<std::string> name = device_name(word);
      if (!name) {
        return "unknown device \"" + std::string(word) + "\" (host, host:N or cuda:N)";
      }
      // "host" is the first of the virtual devices.
      const auto same = [&](const std::string& other) {
        return other == *name || (other == "host" && *name == "host:0") ||
               (other == "host:0" && *name == "host");
      };
      if (std::any_of(devices.begin(), devices.end(), same)) {
        return "device \"" + std::string(word) + "\" is named twice";
      }
      devices.push_back(std::move(*name));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  if (devices.empty()) return "no device is named";
  if (devices.size() > 64) return "more than 64 devices are named";
  return std::nullopt;
}

}  // namespace plimsoll::config
