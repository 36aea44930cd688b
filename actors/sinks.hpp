#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "actors/lease.hpp"
#include "plimsoll/error.hpp"

namespace plimsoll::actors {

/// Told, from any thread but never from inside the call that began the job, that it has ended.
using JobDone = std::function<void(std::optional<Error>)>;

/// Bytes on their way to one shard: `rows` equal parts, whose places lie `stride` apart in the
/// file.
struct FileWrite {
  std::uint32_t shard = 0;
  std::uint64_t offset = 0;  ///< of the first part
  std::span<const std::byte> bytes;
  std::uint64_t rows = 1;
  std::uint64_t stride = 0;

  /// Part `row`, and where it goes.
  [[nodiscard]] std::span<const std::byte> row_bytes(std::uint64_t row) const {
    const std::size_t size = bytes.size() / rows;
    return bytes.subspan(row * size, size);
  }
  [[nodiscard]] std::uint64_t row_offset(std::uint64_t row) const { return offset + row * stride; }
};

/// A checkpoint being written, as the actors see it: nothing here blocks, the disk is waited for
/// elsewhere. Thread-safe.
class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;

  /// An earlier, interrupted run left the shard whole.
  [[nodiscard]] virtual bool is_finished(std::uint32_t shard) const noexcept = 0;

  /// Writes up to two pieces; their bytes stay alive until `done`.
  virtual void write(std::array<FileWrite, 2> pieces, std::size_t count, JobDone done) = 0;

  /// All of the shard's units are written: adds its constants, completes and names its file.
  virtual void finish_shard(std::uint32_t shard, JobDone done) = 0;

  /// All shards are finished: completes the directory.
  virtual void finish(JobDone done) = 0;
};

/// Whoever takes finished tensors. Thread-safe; does not block the caller.
class ConsumerSink {
 public:
  virtual ~ConsumerSink() = default;

  /// Hands over tensor `output`, whole in the lease's buffer (constants too). The buffer is the
  /// consumer's until the last copy of the lease is gone. `done` follows when the consumer has
  /// looked at it, with an error if it refused.
  virtual void deliver(std::uint32_t output, LeasePtr buffer, JobDone done) = 0;
};

}  // namespace plimsoll::actors
