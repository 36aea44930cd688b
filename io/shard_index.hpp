#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// Which shard of a checkpoint holds a tensor.
struct ShardedName {
  std::string name;
  std::uint32_t shard = 0;  ///< index into ShardIndex::shards
};

/// What model.safetensors.index.json says.
struct ShardIndex {
  std::vector<std::string> shards;  ///< file names relative to the index, sorted, each once
  std::vector<ShardedName> tensors;
};

/// Parses the text of an index (json_padding readable bytes behind it). Pure.
///
/// Refused (malformed): text that is not one JSON object from its first byte on; no `weight_map` or
/// more than one; a weight_map that is empty, is not an object of strings or has a key twice; a
/// shard name that is absolute, is empty, has an empty, "." or ".." component or a NUL (a name must
/// stay inside the index's directory, and one file must not have two names). Other members are
/// ignored. `file` names the index in errors.
[[nodiscard]] Expected<ShardIndex> parse_shard_index(std::string_view text,
                                                     const std::string& file);

}  // namespace plimsoll::io
