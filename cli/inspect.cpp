#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/log.hpp"
#include "cli/readable_size.hpp"
#include "cli/setting_options.hpp"
#include "cli/shape_text.hpp"
#include "cli/standard_streams.hpp"
#include "cli/text_table.hpp"
#include "errors/printable.hpp"
#include "io/checkpoint.hpp"

namespace plimsoll::cli {
namespace {

using Align = TextTable::Align;

constexpr std::string_view format_name(io::ContainerFormat) {
  return "safetensors";
}

/// A file as an index names it: relative to the checkpoint's directory.
std::string relative_name(const io::Catalogue& catalogue, const io::SourceFile& file) {
  const std::string front = catalogue.directory + "/";
  return file.path.starts_with(front) ? file.path.substr(front.size()) : file.path;
}

std::vector<std::string> file_names(const io::Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const io::SourceFile& file : catalogue.files) {
    names.push_back(relative_name(catalogue, file));
  }
  return names;
}

Json catalogue_json(const io::Catalogue& catalogue) {
  const std::vector<std::string> files = file_names(catalogue);
  Json tensors = Json::array();
  for (const io::TensorEntry& tensor : catalogue.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"file", files[tensor.file]},
                       {"offset", tensor.offset},
                       {"bytes", tensor.bytes}});
  }
  return {{"format", format_name(catalogue.format)},
          {"directory", catalogue.directory},
          {"metadata", catalogue.metadata},
          {"files", files},
          {"tensors", std::move(tensors)}};
}

struct Total {
  std::uint64_t tensors = 0;
  std::uint64_t elements = 0;
  std::uint64_t bytes = 0;

  void add(const io::TensorEntry& tensor) {
    tensors += 1;
    elements += io::element_count(tensor.shape);
    bytes += tensor.bytes;
  }
};

std::string totals_text(const io::Catalogue& catalogue) {
  std::map<std::string_view, Total> by_dtype;
  Total all;
  for (const io::TensorEntry& tensor : catalogue.tensors) {
    by_dtype[name_of(tensor.dtype)].add(tensor);
    all.add(tensor);
  }
  TextTable table({Align::left, Align::right, Align::right, Align::right});
  table.add({"dtype", "tensors", "elements", "size"});
  const auto row = [&](std::string_view name, const Total& total) {
    table.add({std::string(name), std::to_string(total.tensors), std::to_string(total.elements),
               readable_size(total.bytes)});
  };
  for (const auto& [name, total] : by_dtype) row(name, total);
  if (by_dtype.size() != 1) row("all", all);
  return table.text();
}

std::string catalogue_text(const io::Catalogue& catalogue) {
  const std::vector<std::string> files = file_names(catalogue);
  std::string out = "format  " + std::string(format_name(catalogue.format)) + "\n\n";
  TextTable sizes({Align::left, Align::right});
  sizes.add({"file", "size"});
  for (std::size_t i = 0; i < files.size(); ++i) {
    sizes.add({printable(files[i]), readable_size(catalogue.files[i].bytes)});
  }
  out += sizes.text();
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
  for (const io::TensorEntry& tensor : catalogue.tensors) {
    tensors.add({printable(tensor.name), std::string(name_of(tensor.dtype)),
                 shape_text(tensor.shape), std::to_string(tensor.bytes)});
  }
  return out + "\n" + tensors.text() + "\n" + totals_text(catalogue);
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
    const auto catalogue = io::open_checkpoint(path);
    if (!catalogue) throw catalogue.error();
    print(config.internals().settings().output.json ? json_line(catalogue_json(*catalogue))
                                                    : catalogue_text(*catalogue));
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
