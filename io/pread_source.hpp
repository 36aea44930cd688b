#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "io/byte_source.hpp"
#include "io/open_files.hpp"

namespace plimsoll::io {

/// Reads with preadv2 through the page cache. try_read never waits (RWF_NOWAIT); where the system
/// does not offer that, it always says false. start() hands pieces of at most `piece_bytes` to the
/// source's threads, first come, first served: one long range keeps several of them busy
/// and stays below what one system call may read.
/// Holds no buffers.
class PreadSource final : public ByteSource {
 public:
  static constexpr std::uint64_t piece_bytes = 8 << 20;

  /// At least one thread. Throws std::system_error if the system refuses to start them.
  PreadSource(std::vector<SourceFile> files, unsigned threads, SystemCalls& calls);
  ~PreadSource() override;

  [[nodiscard]] bool try_read(std::span<const ReadRange> ranges) noexcept override;
  void start(std::span<const ReadRange> ranges, ReadDone done) override;
  [[nodiscard]] std::uint64_t buffer_bytes() const noexcept override { return 0; }

 private:
  struct Request;
  struct Piece {
    std::shared_ptr<Request> request;
    ReadRange range;
  };

  void work();
  void stop() noexcept;
  void finish(Piece piece);
  [[nodiscard]] Expected<void> read(const ReadRange& range);

  SystemCalls& calls_;
  OpenFiles files_;
  std::atomic<bool> has_nowait_ = true;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace plimsoll::io
