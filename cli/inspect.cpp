#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "cli/commands.hpp"
#include "cli/inspect_files.hpp"
#include "cli/inspect_gguf.hpp"
#include "cli/inspect_totals.hpp"
#include "cli/json_output.hpp"
#include "cli/log.hpp"
#include "cli/setting_options.hpp"
#include "cli/shape_text.hpp"
#include "cli/standard_streams.hpp"
#include "cli/text_table.hpp"
#include "errors/printable.hpp"
#include "io/checkpoint.hpp"
#include "io/gguf_checkpoint.hpp"

namespace plimsoll::cli {
namespace {

using Align = TextTable::Align;

Json catalogue_json(const io::Catalogue& catalogue) {
  const std::vector<std::string> files = relative_names(catalogue.directory, catalogue.files);
  Json tensors = Json::array();
  for (const io::TensorEntry& tensor : catalogue.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"file", files[tensor.file]},
                       {"offset", tensor.offset},
                       {"bytes", tensor.bytes}});
  }
  return {{"format", "safetensors"},
          {"directory", catalogue.directory},
          {"metadata", catalogue.metadata},
          {"files", files},
          {"tensors", std::move(tensors)}};
}

std::string catalogue_text(const io::Catalogue& catalogue) {
  std::string out = "format  safetensors\n\n";
  out += files_text(relative_names(catalogue.directory, catalogue.files), catalogue.files);
  if (!catalogue.metadata.empty()) {
    TextTable metadata({Align::left, Align::left});
    metadata.add({"metadata", "value"});
    for (const auto& [key, value] : catalogue.metadata) {
      metadata.add({printable(key, 200), printable(value, 200)});
    }
    out += "\n" + metadata.text();
  }
  TextTable tensors({Align::left, Align::left, Align::left, Align::right});
  tensors.add({"tensor", "dtype", "shape", "bytes"});
  TypeTotals totals;
  for (const io::TensorEntry& tensor : catalogue.tensors) {
    tensors.add({printable(tensor.name), std::string(name_of(tensor.dtype)),
                 shape_text(tensor.shape), std::to_string(tensor.bytes)});
    totals.add(name_of(tensor.dtype), tensor.shape, tensor.bytes);
  }
  return out + "\n" + tensors.text() + "\n" + totals.text("dtype");
}

/// The GGUF file that the path means; nothing if it means another checkpoint, or none.
std::optional<std::string> gguf_file(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    auto found = io::find_gguf_in(path);
    if (!found) throw found.error();
    return std::move(*found);
  }
  return path.ends_with(".gguf") ? std::optional(path) : std::nullopt;
}

struct InspectCommand {
  explicit InspectCommand(CLI::App& command)
      : settings(command, [](const config::SettingSchema& setting) {
          return setting.name == "output.json";
        }) {
    command.add_option("PATH", path, "A checkpoint's directory, or one file")->required();
  }

  void run() const {
    const Config config = settings.configuration();
    start_log(config.internals().settings().log.level);
    const bool as_json = config.internals().settings().output.json;
    if (const auto file = gguf_file(path)) {
      const auto checkpoint = io::open_gguf_checkpoint(*file);
      if (!checkpoint) throw checkpoint.error();
      print(as_json ? json_line(gguf_json(*checkpoint)) : gguf_text(*checkpoint));
      return;
    }
    const auto catalogue = io::open_checkpoint(path);
    if (!catalogue) throw catalogue.error();
    print(as_json ? json_line(catalogue_json(*catalogue)) : catalogue_text(*catalogue));
  }

  SettingOptions settings;
  std::string path;
};

}  // namespace

void add_inspect(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("inspect", "Shows the tensors and metadata of a checkpoint");
  const auto state = std::make_shared<InspectCommand>(*command);
  command->callback([state] { state->run(); });
}

}  // namespace plimsoll::cli
