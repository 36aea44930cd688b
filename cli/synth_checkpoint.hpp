#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "errors/expected.hpp"

namespace plimsoll::cli {

struct SynthOptions {
  std::string shape = {};                    ///< one of synth_shape_names()
  std::string directory = {};                ///< made if absent (its parent must exist), else empty
  std::optional<std::uint32_t> layers = {};  ///< keep only the first so many
  std::uint64_t seed = 0;
  unsigned threads = 0;           ///< 0: one a processor
  std::uint64_t shard_bytes = 0;  ///< 0: as published
  bool sparse = false;            ///< headers only, the data one hole that reads as zeros
};

struct SynthReport {
  std::uint64_t shards = 0;
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;  ///< stored numbers, scales included
  std::uint64_t bytes = 0;       ///< of the shards, headers included
};

/// Writes a checkpoint that looks like a published one and holds random numbers: shards with the
/// reference writer's headers, an index where there are several, config.json, generation and
/// tokenizer config. Shape, layers, shard size and seed decide every byte; threads do not.
///
/// Files grow under temporary names (NAME.part) and are renamed when all are whole, the index last.
/// Nothing is synced: after a crash of the system the checkpoint is made anew. Space is reserved
/// before a shard is filled. On an error everything this call made is removed.
/// Errors: invalid_argument (see synth_shape), output_exists (the directory is not empty),
/// write_failed, disk_full. Needs 2 MiB a thread; fills memory at 3 GB/s a core.
[[nodiscard]] Expected<SynthReport> write_synthetic_checkpoint(const SynthOptions& options);

}  // namespace plimsoll::cli
