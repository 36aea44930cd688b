#include <csignal>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "cli/standard_streams.hpp"

int main(int argc, char** argv) {
  plimsoll::cli::fill_closed_streams();
  // Writing to a reader that has gone, or past a limit on file sizes, becomes an error to report.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return plimsoll::cli::run_program(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
