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
  std::string directory;               ///< OUT; made if absent (its parent must exist)
  std::string source_directory;        ///< other files are copied from here; empty: none are
  std::vector<SourceFile> sources;     ///< weight files of the source: never copied
  std::string config_json;             ///< text of the output's config.json; empty: write none
  std::string generation_config_json;  ///< likewise, where it is not copied
  /// Names the source's content (paths, sizes, times) and all settings that change output bytes,
  /// the program's version among them if it does. Lines of the form `name=value`: a resumed run
  /// must show the same ones, and the error says by name which differ.
  std::string fingerprint;
  ExistingOutput existing = ExistingOutput::refuse;
};

/// Writes a checkpoint so that at every instant the directory either does not look like one or is
/// whole. Shards grow under temporary names (which end in neither .safetensors nor .json), are
/// synced and renamed one by one; then the other files are copied (tokenizer, generation config,
/// subdirectories; weights, their index and config.json are not), config.json is written, and last
/// the index (or, for a checkpoint of one file, that file) gets its name. A small manifest with the
/// fingerprint stands in the directory until the end, when nothing but the checkpoint is left. What
/// a finished shard was made from is also sealed into an extended attribute of its file, so that a
/// resumed run knows its own whole result again; on a file system without attributes such a result
/// is written anew.
///
/// open() takes the disk space for all shards, so that a full disk shows before the work and not
/// hours into it (where the file system cannot, it only compares with what is free). It also
/// refuses an output that is the source's directory or holds its weights, whatever `existing` says.
/// replace removes a checkpoint's own files (top level *.safetensors, index, config.json) and no
/// others. A process that may run into a limit on file sizes has to ignore SIGXFSZ.
///
/// write(), set_true_bytes() and finish_shard() may be called from several threads, each shard's
/// finish after its last write. All calls block on the disk. After the first error, or without
/// finish(), the destructor removes this run's temporaries and leaves finished shards and manifest
/// for a resume (all of it, the directory too if this run made it, where no shard was finished).
/// Errors: output_exists, resume_mismatch, invalid_argument (the output is the source), not_found
/// (the output's parent), disk_full, write_failed, read_failed (the files to copy), internal (a
/// broken promise of the caller, such as a shard finished before all of its bytes came).
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

  /// Bytes written so far: those given to write(), headers, index, config and copied files.
  [[nodiscard]] virtual std::uint64_t bytes_written() const noexcept = 0;
};

}  // namespace plimsoll::io
