#include "cli/program.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <new>

#include "cli/commands.hpp"
#include "cli/standard_streams.hpp"
#include "cli/usage_error.hpp"
#include "config/nearest.hpp"
#include "errors/printable.hpp"
#include "plimsoll/engine.hpp"

namespace plimsoll::cli {
namespace {

constexpr int failure = 1;
constexpr int wrong_usage = 2;

void add_commands(CLI::App& program) {
  program.require_subcommand(1);
  add_inspect(program);
  add_plan(program);
  add_load(program);
  add_quantize(program);
  add_synth(program);
  add_config(program);
  add_formats(program);
  add_trace(program);
  add_completion(program);
}

/// The subcommand that was written, or the program.
const CLI::App& innermost(const CLI::App& program) {
  const auto chosen = program.get_subcommands();
  return chosen.empty() ? program : *chosen.front();
}

/// `; did you mean "--slots"?` where a word differs from a known one in less than half its letters.
std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  const auto nearest = config::nearest(word, views);
  if (!nearest || 2 * config::edit_distance(word, *nearest) >= word.size()) return "";
  return config::did_you_mean(word, views);
}

/// `unknown option "--solts"; did you mean "--slots"?`
std::string unknown_word(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  if (word.starts_with("-")) {
    for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
    std::erase_if(known, [](const std::string& name) { return !name.starts_with("--"); });
    const std::string name = word.substr(0, word.find('='));
    return "unknown option \"" + name + "\"" + suggestion(name, known);
  }
  for (const CLI::App* command : app.get_subcommands([](auto*) { return true; })) {
    known.push_back(command->get_name());
  }
  if (known.empty()) return "unexpected argument \"" + word + "\"";
  return "unknown command \"" + word + "\"" + suggestion(word, known);
}

std::string usage_text(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& app = innermost(program);
  const std::vector<std::string> unknown = app.remaining();
  if (!unknown.empty()) return unknown_word(app, unknown.front());
  if (&app == &program) return "a command is missing; plimsoll --help lists them";
  return error.what();
}

int tell(std::string_view text, int code) {
  // With "plimsoll: error: " in front, a line of at most 1,000 bytes.
  print_error_line(printable(text, 960));
  return code;
}

/// The parser takes the next argument for the value of "--option="; it is empty.
std::vector<std::string> with_empty_values(std::vector<std::string> arguments) {
  std::vector<std::string> result;
  for (std::string& argument : arguments) {
    const bool empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    if (empty) argument.pop_back();
    result.push_back(std::move(argument));
    if (empty) result.emplace_back();
  }
  return result;
}

int parse_and_run(CLI::App& program, std::vector<std::string> arguments) {
  arguments = with_empty_values(std::move(arguments));
  std::reverse(arguments.begin(), arguments.end());
  try {
    program.parse(std::move(arguments));
    return 0;
  } catch (const CLI::CallForHelp&) {
    const CLI::App& app = innermost(program);
    print(&app == &program ? app.help() : app.help(program.get_name()));
  } catch (const CLI::CallForAllHelp&) {
    print(program.help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& version) {
    print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    return tell(usage_text(program, error), wrong_usage);
  }
  return 0;
}

}  // namespace

int run_program(std::vector<std::string> arguments) {
  try {
    CLI::App program(
        "Loads and quantizes language-model checkpoints below a memory line drawn "
        "beforehand.",
        "plimsoll");
    program.set_version_flag("--version", "plimsoll " + std::string(version()));
    add_commands(program);
    return parse_and_run(program, std::move(arguments));
  } catch (const UsageError& error) {
    return tell(error.what(), wrong_usage);
  } catch (const Error& error) {
    print_error_line(error.what());
  } catch (const std::bad_alloc&) {
    print_error_line("out of memory");
  } catch (const std::exception& error) {
    return tell(error.what(), failure);
  }
  return failure;
}

}  // namespace plimsoll::cli
