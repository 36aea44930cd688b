#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/standard_streams.hpp"
#include "cli/text_table.hpp"
#include "codecs/format.hpp"
#include "codecs/ggml/ftype.hpp"
#include "codecs/ggml/type.hpp"
#include "config/recipe_text.hpp"

namespace plimsoll::cli {
namespace {

using Align = TextTable::Align;
using codecs::ggml::all_ftypes;
using codecs::ggml::Ftype;
using codecs::ggml::FtypeTraits;
using codecs::ggml::Traits;

/// What it applies to, in a few words.
std::string_view purpose(std::string_view name) {
  const auto format = config::parse_format(name);
  if (format && codecs::is_quantized(format->kind)) return "linear weights";
  if (format && codecs::is_cast(format->kind)) return "every floating-point tensor";
  return "every tensor, as it is";
}

std::string_view importance_text(const Traits& type) {
  switch (type.importance) {
    case codecs::ggml::Importance::used:
      return "used";
    case codecs::ggml::Importance::needed:
      return "needed";
    default:
      return "ignored";
  }
}

/// The tensor types of GGUF, by name.
std::vector<Traits> tensor_types() {
  // ggml hands ids out in turn; this is far beyond the last.
  constexpr std::uint32_t ids = 256;
  std::vector<Traits> types;
  for (std::uint32_t id = 0; id < ids; ++id) {
    if (const auto type = codecs::ggml::type_of(id)) types.push_back(traits_of(*type));
  }
  std::ranges::sort(types, {}, &Traits::name);
  return types;
}

/// The type of most tensors, for people and scripts.
std::string_view most_tensors(const FtypeTraits& ftype) {
  return ftype.ftype == Ftype::copy ? "" : traits_of(ftype.type).name;
}

Json ftypes_json() {
  Json ftypes = Json::array();
  for (const FtypeTraits& ftype : all_ftypes()) {
    ftypes.push_back({{"name", ftype.name},
                      {"type", most_tensors(ftype)},
                      {"needs_imatrix", ftype.needs_importance}});
  }
  return ftypes;
}

Json tensor_types_json() {
  Json types = Json::array();
  for (const Traits& type : tensor_types()) {
    types.push_back({{"name", type.name},
                     {"block_elements", type.block_elements},
                     {"block_bytes", type.block_bytes},
                     {"encodes", type.encodes},
                     {"imatrix", importance_text(type)}});
  }
  return types;
}

std::string ftypes_text() {
  TextTable table({Align::left, Align::left, Align::left});
  table.add({"--to of a GGUF model", "most tensors", "imatrix"});
  for (const FtypeTraits& ftype : all_ftypes()) {
    const std::string_view most = most_tensors(ftype);
    table.add({std::string(ftype.name), std::string(most.empty() ? "as they are" : most),
               ftype.needs_importance ? "needed" : ""});
  }
  return table.text();
}

/// Only those that can be asked for.
std::string tensor_types_text() {
  TextTable table({Align::left, Align::right, Align::right, Align::left});
  table.add({"--match of a GGUF model", "elements", "bytes", "imatrix"});
  for (const Traits& type : tensor_types()) {
    if (!type.encodes) continue;
    table.add({std::string(type.name), std::to_string(type.block_elements),
               std::to_string(type.block_bytes), std::string(importance_text(type))});
  }
  return table.text();
}

Json formats_json() {
  Json formats = Json::array();
  for (const std::string_view name : config::format_names()) {
    Json options = Json::array();
    for (const std::string_view option : config::format_options(name)) options.push_back(option);
    formats.push_back(
        {{"name", name}, {"options", std::move(options)}, {"applies_to", purpose(name)}});
  }
  return {{"formats", std::move(formats)},
          {"ftypes", ftypes_json()},
          {"tensor_types", tensor_types_json()}};
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
  return table.text().append("\n").append(ftypes_text()).append("\n").append(tensor_types_text());
}

}  // namespace

void add_formats(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("formats", "Lists the formats, and the types of GGUF models");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Prints one JSON object in place of text");
  command->callback([json] { print(*json ? json_line(formats_json()) : formats_text()); });
}

}  // namespace plimsoll::cli
