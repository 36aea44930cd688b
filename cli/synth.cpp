#include <charconv>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cli/commands.hpp"
#include "cli/json_output.hpp"
#include "cli/readable_size.hpp"
#include "cli/standard_streams.hpp"
#include "cli/synth_checkpoint.hpp"
#include "cli/synth_shapes.hpp"
#include "cli/usage_error.hpp"
#include "config/size_text.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

/// A whole number up to `most`, else wrong usage of `option`.
std::uint64_t whole_number(const std::string& option, const std::string& text, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || stop != end || text.empty() || number > most) {
    throw UsageError(option + ": \"" + text + "\" is not a whole number up to " +
                     std::to_string(most));
  }
  return number;
}

std::string shape_list() {
  std::string list;
  for (const std::string_view name : synth_shape_names()) {
    list.append(list.empty() ? "" : ", ").append(name);
  }
  return list;
}

class SynthCommand {
 public:
  explicit SynthCommand(CLI::App& command) {
    command.add_option("SHAPE", shape_, "One of " + shape_list())->required();
    command.add_option("DIR", directory_, "A directory that is empty or not there yet")->required();
    layers_option_ =
        command.add_option("--layers", layers_, "Keeps the first so many layers")->type_name("N");
    seed_option_ =
        command.add_option("--seed", seed_, "Other numbers for another seed; 0 if not given")
            ->type_name("N");
    shard_size_option_ = command
                             .add_option("--shard-size", shard_size_,
                                         "Most bytes in a file; as published if not given")
                             ->type_name("SIZE");
    command.add_flag("--sparse", sparse_, "Writes headers only; the numbers read as zeros");
    command.add_flag("--json", json_, "Prints one JSON object in place of text");
  }

  void run() const {
    const SynthOptions options = this->options();
    // A shape or a number of layers that there is not is wrong usage, not a failure.
    if (const auto known = synth_shape(options.shape, options.layers); !known) {
      throw UsageError(known.error().reason());
    }
    const auto report = write_synthetic_checkpoint(options);
    if (!report) throw report.error();
    print(json_ ? json_line(to_json(*report)) : to_text(*report));
  }

 private:
  [[nodiscard]] SynthOptions options() const {
    SynthOptions options;
    options.shape = shape_;
    options.directory = directory_;
    options.sparse = sparse_;
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    constexpr std::uint64_t most_layers = std::numeric_limits<std::uint32_t>::max();
    if (seed_option_->count() > 0) options.seed = whole_number("--seed", seed_, most);
    if (layers_option_->count() > 0) {
      options.layers = static_cast<std::uint32_t>(whole_number("--layers", layers_, most_layers));
    }
    if (shard_size_option_->count() > 0) {
      const auto size = config::parse_size(shard_size_);
      if (!size || *size == 0) {
        throw UsageError("--shard-size: \"" + shard_size_ + "\" is not a size above 0");
      }
      options.shard_bytes = *size;
    }
    return options;
  }

  [[nodiscard]] Json to_json(const SynthReport& report) const {
    return {{"directory", directory_},         {"shape", shape_},
            {"shards", report.shards},         {"tensors", report.tensors},
            {"parameters", report.parameters}, {"bytes", report.bytes}};
  }

  [[nodiscard]] std::string to_text(const SynthReport& report) const {
    return "wrote " + printable(directory_) + ": " + std::to_string(report.tensors) + " tensors, " +
           std::to_string(report.parameters) + " parameters, " + readable_size(report.bytes) +
           " (" + std::to_string(report.bytes) + ") in " + std::to_string(report.shards) +
           (report.shards == 1 ? " file\n" : " files\n");
  }

  std::string shape_;
  std::string directory_;
  std::string layers_;
  std::string seed_;
  std::string shard_size_;
  CLI::Option* layers_option_ = nullptr;
  CLI::Option* seed_option_ = nullptr;
  CLI::Option* shard_size_option_ = nullptr;
  bool sparse_ = false;
  bool json_ = false;
};

}  // namespace

void add_synth(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("synth", "Writes a checkpoint with real shapes and random numbers");
  const auto state = std::make_shared<SynthCommand>(*command);
  command->callback([state] { state->run(); });
}

}  // namespace plimsoll::cli
