#pragma once

#include <optional>
#include <span>
#include <vector>

#include "errors/expected.hpp"
#include "io/byte_source.hpp"

namespace plimsoll::io {

/// The first range that no source could read: of an unknown file (internal), or with bytes behind
/// the end of its file (read_failed). Nothing if all are sound.
[[nodiscard]] std::optional<Error> find_unreadable(std::span<const ReadRange> ranges,
                                                   const std::vector<SourceFile>& files);

}  // namespace plimsoll::io
