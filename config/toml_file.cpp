#include "config/toml_file.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace plimsoll::config {
namespace {

std::string type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::array:
      return "an array of other things than strings";
    default:
      return "a date or time";
  }
}

RawValue value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* array = node.as_array()) {
    std::vector<std::string> texts;
    for (const toml::node& element : *array) {
      const auto* text = element.as_string();
      if (!text) return ForeignValue{type_of(node)};
      texts.push_back(text->get());
    }
    return texts;
  }
  return ForeignValue{type_of(node)};
}

std::string at_line(const std::string& file, std::uint64_t line) {
  return file + ":" + std::to_string(line);
}

/// toml++ takes the parts of a dotted key apart by recursion: a key of very many parts, which is
/// no key of ours, would exhaust the stack. Nothing that people write comes near the limit.
std::optional<std::uint64_t> line_with_too_many_dots(std::string_view text) {
  constexpr std::size_t most_dots = 1'000;
  std::uint64_t line = 1;
  std::size_t dots = 0;
  for (char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
    }
    if (c == '.' && ++dots > most_dots) return line;
  }
  return std::nullopt;
}

}  // namespace

Expected<std::vector<WrittenSetting>> read_toml(std::string_view text, const std::string& file) {
  if (const auto line = line_with_too_many_dots(text)) {
    return fail(ErrorCode::invalid_config, "too many dots in one line", at_line(file, *line));
  }
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid_config, std::string(error.description()),
                at_line(file, error.source().begin.line));
  }
  std::vector<WrittenSetting> settings;
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    const auto* table = node.as_table();
    if (!table) {
      settings.push_back({name, value_of(node), key.source().begin.line});
      continue;
    }
    const std::span<const std::string_view> groups = setting_groups();
    if (table->empty() && std::find(groups.begin(), groups.end(), name) == groups.end()) {
      settings.push_back({name, ForeignValue{"a table"}, key.source().begin.line});
    }
    for (const auto& [inner, value] : *table) {
      settings.push_back(
          {name + "." + std::string(inner.str()), value_of(value), inner.source().begin.line});
    }
  }
  return settings;
}

Expected<std::string> read_config_file(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return fail(ErrorCode::not_found, "no such config file", path);
  }
  if (error) return fail(ErrorCode::read_failed, error.message(), path);
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorCode::invalid_config, "not a regular file", path);
  }
  std::ifstream stream(path, std::ios::binary);
  // One byte more than allowed tells a file that is too long, whatever its size said before.
  std::string text(longest_config_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (!stream.is_open())) {
    return fail(ErrorCode::read_failed, "cannot be read", path);
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > longest_config_file) {
    return fail(ErrorCode::invalid_config, "a config file has at most 1 MiB", path);
  }
  return text;
}

}  // namespace plimsoll::config
