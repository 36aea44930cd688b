#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "cli/commands.hpp"
#include "cli/completion_script.hpp"
#include "cli/standard_streams.hpp"
#include "cli/synth_shapes.hpp"
#include "cli/usage_error.hpp"
#include "config/loader.hpp"
#include "config/recipe_text.hpp"
#include "config/schema.hpp"

namespace plimsoll::cli {
namespace {

template <class Texts>
std::vector<std::string> owned(const Texts& texts) {
  return std::vector<std::string>(texts.begin(), texts.end());
}

/// The words a setting may have, for those that have a few.
struct WordsOfPlace {
  template <class Choice>
  requires std::is_enum_v<Choice> std::vector<std::string>
  operator()(Choice* place) const { return owned(config::choices(place)); }
  std::vector<std::string> operator()(std::optional<codecs::Format>*) const {
    return owned(config::format_names());
  }
  template <class Other>
  std::vector<std::string> operator()(Other*) const {
    return {};
  }
};

CompletedOption completed(const CLI::Option& option) {
  CompletedOption out;
  out.name = option.get_name();
  out.takes_value = option.get_items_expected_max() > 0;
  if (!out.takes_value) return out;
  out.takes_file = out.name == "--config";
  if (out.name == "--profile") out.words = owned(config::profile_names());
  for (const config::SettingSchema& setting : config::schema()) {
    if (setting.option != out.name) continue;
    config::Settings scratch;
    const config::SettingPlace place = setting.place(scratch);
    out.words = std::visit(WordsOfPlace{}, place);
    out.takes_file = std::holds_alternative<std::string*>(place);
  }
  return out;
}

CompletedCommand completed(const CLI::App& command) {
  CompletedCommand out;
  out.name = command.get_name();
  out.description = command.get_description();
  for (const CLI::Option* option : command.get_options()) {
    if (option->nonpositional()) out.options.push_back(completed(*option));
  }
  if (out.name == "synth") out.words = owned(synth_shape_names());
  if (out.name == "completion") out.words = {"bash", "zsh"};
  return out;
}

void run_completion(const CLI::App& program, const std::string& shell) {
  std::vector<CompletedCommand> commands;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(completed(*command));
  }
  if (shell == "bash") {
    print(bash_completion(commands));
  } else if (shell == "zsh") {
    print(zsh_completion(commands));
  } else {
    throw UsageError("\"" + shell + "\" is neither bash nor zsh");
  }
}

}  // namespace

void add_completion(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("completion", "Prints a script that completes commands in a shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash or zsh")->required();
  command->callback([&program, shell] { run_completion(program, *shell); });
}

}  // namespace plimsoll::cli
