#pragma once

#include <string>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::io {

/// Opens a checkpoint: a directory with model.safetensors.index.json or model.safetensors, or one
/// .safetensors file. Reads headers only (one open, two preads and one close a file; 1,000 shards
/// take tens of milliseconds).
///
/// Errors: not_found (nothing there, or a shard the index names is missing), malformed (any rule of
/// io/safetensors.hpp broken, an index that disagrees with the shards, a shard name that leaves the
/// directory, a file that is not a regular file), read_failed. Every error names the file, and the
/// tensor where there is one.
[[nodiscard]] Expected<Catalogue> open_checkpoint(const std::string& path);

}  // namespace plimsoll::io
