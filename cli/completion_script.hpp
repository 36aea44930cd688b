#pragma once

#include <string>
#include <vector>

namespace plimsoll::cli {

/// What can follow an option.
struct CompletedOption {
  std::string name;
  bool takes_value = false;
  bool takes_file = false;         ///< the value is a path
  std::vector<std::string> words;  ///< values it may have, where they can be listed
};

struct CompletedCommand {
  std::string name;
  std::string description;
  std::vector<CompletedOption> options;
  std::vector<std::string> words;  ///< for its first argument; empty: paths
};

/// Scripts that complete the commands, their options and the options' values: for bash to be
/// sourced, for zsh to be sourced or put into a directory of $fpath. Words hold no blanks and
/// nothing a shell would expand.
[[nodiscard]] std::string bash_completion(const std::vector<CompletedCommand>& commands);
[[nodiscard]] std::string zsh_completion(const std::vector<CompletedCommand>& commands);

}  // namespace plimsoll::cli
