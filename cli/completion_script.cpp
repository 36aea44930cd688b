#include "cli/completion_script.hpp"

#include <map>
#include <string_view>

namespace plimsoll::cli {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : separator).append(word);
  return out;
}

std::vector<std::string> names_of(const std::vector<CompletedCommand>& commands) {
  std::vector<std::string> names;
  for (const CompletedCommand& command : commands) names.push_back(command.name);
  return names;
}

std::vector<std::string> options_of(const CompletedCommand& command) {
  std::vector<std::string> names;
  for (const CompletedOption& option : command.options) names.push_back(option.name);
  return names;
}

/// An option means the same in every command that has it.
std::map<std::string, CompletedOption> options_with_value(
    const std::vector<CompletedCommand>& commands) {
  std::map<std::string, CompletedOption> options;
  for (const CompletedCommand& command : commands) {
    for (const CompletedOption& option : command.options) {
      if (option.takes_value) options.emplace(option.name, option);
    }
  }
  return options;
}

/// The lines that offer words or files; everything else is the same in both shells but its syntax.
struct Shell {
  std::string_view words_before;
  std::string_view words_after;
  std::string_view files;
};

constexpr Shell bash = {"COMPREPLY=($(compgen -W '", "' -- \"$current\"))",
                        "compopt -o default 2>/dev/null; COMPREPLY=()"};
constexpr Shell zsh = {"compadd -- ", "", "_files"};

std::string offer(const Shell& shell, const std::vector<std::string>& words) {
  return std::string(shell.words_before).append(joined(words, " ")).append(shell.words_after);
}

/// After an option that takes a value there is only that value.
std::string value_cases(const Shell& shell, const std::vector<CompletedCommand>& commands) {
  std::string out = "  case $previous in\n";
  for (const auto& [name, option] : options_with_value(commands)) {
    out += "    " + name + ") ";
    if (!option.words.empty()) {
      out += offer(shell, option.words) + "; ";
    } else if (option.takes_file) {
      out.append(shell.files).append("; ");
    }
    out += "return ;;\n";
  }
  return out + "  esac\n";
}

std::string command_cases(const Shell& shell, const std::vector<CompletedCommand>& commands) {
  std::string out = "  case $command in\n    '') ";
  std::vector<std::string> first = names_of(commands);
  first.insert(first.end(), {"--help", "--version"});
  out += offer(shell, first) + " ;;\n";
  for (const CompletedCommand& command : commands) {
    out += "    " + command.name + ")\n      if [[ $current == -* ]]; then\n        " +
           offer(shell, options_of(command)) + "\n      else\n        ";
    out += command.words.empty() ? std::string(shell.files) : offer(shell, command.words);
    out += "\n      fi ;;\n";
  }
  return out + "  esac\n";
}

/// The command is the first word that is one.
std::string find_command(const std::vector<CompletedCommand>& commands) {
  return "    case $word in " + joined(names_of(commands), "|") +
         ") command=$word; break ;; esac\n  done\n";
}

}  // namespace

std::string bash_completion(const std::vector<CompletedCommand>& commands) {
  return "# bash completion for plimsoll: source <(plimsoll completion bash)\n"
         "_plimsoll() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local command='' word\n"
         "  COMPREPLY=()\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" +
         find_command(commands) + value_cases(bash, commands) + command_cases(bash, commands) +
         "}\n"
         "complete -F _plimsoll plimsoll\n";
}

std::string zsh_completion(const std::vector<CompletedCommand>& commands) {
  return "#compdef plimsoll\n"
         "# zsh completion for plimsoll: source <(plimsoll completion zsh)\n"
         "_plimsoll() {\n"
         "  local current=$words[CURRENT] previous=$words[CURRENT-1]\n"
         "  local command='' word\n"
         "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n" +
         find_command(commands) + value_cases(zsh, commands) + command_cases(zsh, commands) +
         "}\n"
         "if [[ $funcstack[1] == _plimsoll ]]; then _plimsoll \"$@\"; "
         "else compdef _plimsoll plimsoll; fi\n";
}

}  // namespace plimsoll::cli
