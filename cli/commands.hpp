#pragma once

#include <CLI/CLI.hpp>

namespace plimsoll::cli {

// Each adds one subcommand to the program: its options, and what it does as the callback, which
// runs when the whole command line was parsed. A callback throws UsageError or Error.

void add_inspect(CLI::App& program);
void add_plan(CLI::App& program);
void add_load(CLI::App& program);
void add_quantize(CLI::App& program);
void add_synth(CLI::App& program);
void add_config(CLI::App& program);
void add_formats(CLI::App& program);
void add_trace(CLI::App& program);
void add_completion(CLI::App& program);

}  // namespace plimsoll::cli
