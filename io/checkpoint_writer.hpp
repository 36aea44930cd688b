#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/shard_layout.hpp"

namespace plimsoll::io {

enum class ExistingOutput : std::uint8_t { refuse, replace, resume };

struct CheckpointWriterOptions {
  std::string directory;            ///< OUT; made if absent (its parent must exist)
  std::string source_directory;     ///< other files are copied from here; empty: none are
  std::vector<SourceFile> sources;  ///< weight files of the source: never copied
  std::string config_json;          ///< text of the output's config.json; empty: write none
  /// Names the source's content (paths, sizes, times) and all settings that change output bytes.
  /// A resumed run must show the same one.
  std::string fingerprint;
  ExistingOutput existing = ExistingOutput::refuse;
};

/// Writes a checkpoint so that at every instant the directory either does not look like one or is
/// whole. Shards grow under temporary names (which end in neither .safetensors nor .json), are
/// synced and renamed one by one; then the other files are copied (tokenizer, generation config,
/// subdirectories; weights, their index and config.json are not), config.json is written, and last
/// the index (or, for a checkpoint of one file, that file) gets its name. A small manifest with the
/// fingerprint stands in the directory until the end, when nothing but the checkpoint is left.
///
/// write() and finish_shard() may be called from several threads, each shard's finish after its
/// last write. All calls block on the disk. After the first error, or without finish(), the
/// destructor removes this run's temporaries and leaves finished shards and manifest for a resume
/// (all of it, the directory too if this run made it, where no shard was finished).
/// Errors: output_exists, resume_mismatch, disk_full, write_failed, read_failed (while copying).
class CheckpointWriter {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<CheckpointWriter>> open(
      ShardLayout layout, std::vector<StoredTensor> tensors, CheckpointWriterOptions options);

  virtual ~CheckpointWriter() = default;

  /// Whether an earlier run left this shard whole (resume only): nothing needs to be written to it.
  [[nodiscard]] virtual bool is_finished(std::uint32_t shard) const noexcept = 0;

  /// Writes bytes at an offset of the shard's file (see StoredPlace). Starts their writeback early,
  /// so that finish_shard's fsync has little left to do.
  [[nodiscard]] virtual Expected<void> write(std::uint32_t shard, std::uint64_t offset,
                                             std::span<const std::byte> bytes) = 0;

  /// Says how long a bounded tensor became. Before its shard is finished.
  virtual void set_true_bytes(std::uint32_t tensor, std::uint64_t bytes) = 0;

  /// Writes the header, cuts the file to its length, syncs and renames it.
  [[nodiscard]] virtual Expected<void> finish_shard(std::uint32_t shard) = 0;

  /// Every shard is finished: completes the directory as described above.
  [[nodiscard]] virtual Expected<void> finish() = 0;

  /// Bytes given to write() so far, headers and copied files included.
  [[nodiscard]] virtual std::uint64_t bytes_written() const noexcept = 0;
};

}  // namespace plimsoll::io
