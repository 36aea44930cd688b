#include <memory>
#include <string>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/standard_streams.hpp"
#include "cli/text_table.hpp"
#include "codecs/format.hpp"
#include "config/recipe_text.hpp"

namespace plimsoll::cli {
namespace {

using Align = TextTable::Align;

/// What it applies to, in a few words.
std::string_view purpose(std::string_view name) {
  const auto format = config::parse_format(name);
  if (format && codecs::is_quantized(format->kind)) return "linear weights";
  if (format && codecs::is_cast(format->kind)) return "every floating-point tensor";
  return "every tensor, as it is";
}

Json formats_json() {
  Json formats = Json::array();
  for (const std::string_view name : config::format_names()) {
    Json options = Json::array();
    for (const std::string_view option : config::format_options(name)) options.push_back(option);
    formats.push_back(
        {{"name", name}, {"options", std::move(options)}, {"applies_to", purpose(name)}});
  }
  return {{"formats", std::move(formats)}};
}

std::string formats_text() {
  TextTable table({Align::left, Align::left, Align::left});
  table.add({"format", "applies to", "options"});
  for (const std::string_view name : config::format_names()) {
    std::string options;
    for (const std::string_view option : config::format_options(name)) {
      options.append(options.empty() ? "" : "; ").append(option);
    }
    table.add({std::string(name), std::string(purpose(name)), options});
  }
  return table.text();
}

}  // namespace

void add_formats(CLI::App& program) {
  CLI::App* command = program.add_subcommand("formats", "Lists the formats and their options");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Prints one JSON object in place of text");
  command->callback([json] { print(*json ? json_line(formats_json()) : formats_text()); });
}

}  // namespace plimsoll::cli
