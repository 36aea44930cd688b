#pragma once

#include <map>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/checkpoint_writer.hpp"

/// A small checkpoint to be written by tests: shards of several groups, tensors of bounded size,
/// and a source directory with other files. The content depends on `seed` alone.
struct OutputCheckpoint {
  plimsoll::io::ShardLayout layout;
  std::vector<plimsoll::io::StoredTensor> tensors;
  std::vector<std::string> data;  ///< one a tensor, as long as it really is
  plimsoll::io::CheckpointWriterOptions options;

  OutputCheckpoint(const std::string& source, const std::string& output, bool single,
                   unsigned seed = 1);

  /// Opens a writer, writes all shards that are not finished, and finishes.
  [[nodiscard]] plimsoll::Expected<void> run(plimsoll::io::ExistingOutput existing) const;

  /// Opens a writer only.
  [[nodiscard]] plimsoll::Expected<std::unique_ptr<plimsoll::io::CheckpointWriter>> open(
      plimsoll::io::ExistingOutput existing) const;

  /// Writes and finishes one shard.
  [[nodiscard]] plimsoll::Expected<void> write_shard(plimsoll::io::CheckpointWriter& writer,
                                                     std::uint32_t shard) const;
};

/// Makes a source directory with everything that is copied and everything that is not.
void make_source(const std::string& directory);

/// Every file below `directory` with its content; links are followed.
[[nodiscard]] std::map<std::string, std::string> files_in(const std::string& directory);

/// Whether a reader would take the directory for a checkpoint.
[[nodiscard]] bool looks_whole(const std::string& directory);
