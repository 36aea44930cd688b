#pragma once

#include "config/settings.hpp"

namespace plimsoll::cli {

/// Sends spdlog's default logger to stderr, one line a message, from `level` on.
void start_log(config::LogLevel level);

}  // namespace plimsoll::cli
