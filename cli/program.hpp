#pragma once

#include <string>
#include <vector>

namespace plimsoll::cli {

/// The whole command: parses `arguments` (without the program's name), does what they say, and
/// returns the exit code: 0, 1 for a failure, 2 for wrong usage. Both are told in one line on
/// stderr.
[[nodiscard]] int run_program(std::vector<std::string> arguments);

}  // namespace plimsoll::cli
