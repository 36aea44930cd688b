#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "io/catalogue.hpp"
#include "io/system_calls.hpp"

namespace plimsoll::io {

/// Estimates which share of the files' bytes (0 to 1) stands in the page cache, from samples spread
/// evenly over them: at most 64 one-byte reads that do not wait, and as many opened files. Nothing
/// if the files are empty or the system cannot say. A sample that misses may start the reading of
/// its page.
[[nodiscard]] std::optional<double> cached_share(const std::vector<SourceFile>& files,
                                                 SystemCalls& calls);

}  // namespace plimsoll::io
