#pragma once

#include <stdexcept>

namespace plimsoll::cli {

/// The command was written wrongly: exit code 2. what() is one line, but not escaped yet.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace plimsoll::cli
