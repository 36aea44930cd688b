#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::io {

/// Reads below this alignment (offset, length, address) are what O_DIRECT accepts everywhere.
inline constexpr std::uint64_t direct_alignment = 4096;

/// One range of one file and where its bytes go.
struct ReadRange {
  std::uint32_t file = 0;  ///< index into the files the source was opened with
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::byte* destination = nullptr;  ///< `bytes` bytes, alive until the read completes
  /// The memory around `destination`, out to the direct_alignment boundaries of the file range, may
  /// be overwritten, and `destination` is congruent to `offset` modulo direct_alignment: a direct
  /// source then reads in place. Otherwise it goes through a bounce buffer of its own.
  bool padded = false;
};

/// Called once a read, from a thread of the source, never from inside start(). Must not block.
using ReadDone = std::function<void(Expected<void>)>;

/// Where a load's bytes come from. Thread-safe. A source reads exactly what it is asked for or
/// reports an Error (read_failed) that names the file: short reads are continued, EINTR is retried,
/// an early end of file is an error. Destroying a source waits for its running reads.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills all ranges at once if that needs no waiting for a disk (their bytes are in the page
  /// cache): true. False: nothing is promised about the destinations, use start(). Never blocks on
  /// a disk; costs one system call a range. A real error is reported by the start() that follows.
  [[nodiscard]] virtual bool try_read(std::span<const ReadRange> ranges) noexcept = 0;

  /// Begins to read all ranges and calls `done` when the last has ended, with the first error if
  /// there was one. Copies `ranges`. Does not block (the queue is unbounded; credits bound it).
  virtual void start(std::span<const ReadRange> ranges, ReadDone done) = 0;

  /// Bytes of buffers this source holds; constant from construction on. Part of the load line.
  [[nodiscard]] virtual std::uint64_t buffer_bytes() const noexcept = 0;
};

enum class SourceKind : std::uint8_t { automatic, pread, direct };

/// Opens files lazily (never more than 256 at once, least recently used closed first).
///
/// `automatic` asks the page cache about samples of the files: mostly there means pread, else
/// direct. pread: try_read uses RWF_NOWAIT; start() runs on `io_threads` threads. direct: O_DIRECT
/// through one io_uring ring and thread, bounce buffers of fixed number and size; try_read always
/// says false. Where io_uring or O_DIRECT is refused by the system the source is a pread source,
/// and says so once to the spdlog logger "plimsoll", if the program has registered one.
/// `used`, if given, receives what was chosen.
[[nodiscard]] Expected<std::unique_ptr<ByteSource>> open_byte_source(std::vector<SourceFile> files,
                                                                     SourceKind kind,
                                                                     unsigned io_threads,
                                                                     SourceKind* used = nullptr);

class SystemCalls;

/// The same over other system calls, which must outlive the source.
[[nodiscard]] Expected<std::unique_ptr<ByteSource>> open_byte_source(std::vector<SourceFile> files,
                                                                     SourceKind kind,
                                                                     unsigned io_threads,
                                                                     SourceKind* used,
                                                                     SystemCalls& calls);

}  // namespace plimsoll::io
