#pragma once

#include <string>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::io {

/// Opens a checkpoint: a directory with model.safetensors or model.safetensors.index.json (where
/// both stand, the single file is the checkpoint, as for transformers), or one .safetensors file.
/// The shards of an index stand in Catalogue::files in the order of their names. Reads headers only
/// (one open, one or two preads and one close a file; 1,000 shards take tens of milliseconds).
///
/// Errors: not_found (nothing there, or a shard the index names is missing), malformed (any rule of
/// io/safetensors.hpp broken, an index that disagrees with the shards, a shard name that leaves the
/// directory, a file that is not a regular file), read_failed. Every error names the file, and the
/// tensor where there is one.
[[nodiscard]] Expected<Catalogue> open_checkpoint(const std::string& path);

}  // namespace plimsoll::io
