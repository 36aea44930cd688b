#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "io/aligned_buffers.hpp"
#include "io/byte_source.hpp"
#include "io/open_files.hpp"
#include "io/read_ring.hpp"

namespace plimsoll::io {

/// Reads past the page cache (O_DIRECT) through one ring, which one thread serves. Ranges are cut
/// into aligned chunks, of which at most `depth` are under way, in the order of the requests. A
/// chunk goes in place where its range is `padded` (see ReadRange), else through one of
/// `buffer_count` buffers of `chunk_bytes`, all allocated at construction, and is copied from
/// there. try_read always says false: nothing is known of the page cache.
class DirectSource final : public ByteSource {
 public:
  static constexpr unsigned depth = 32;
  static constexpr std::size_t buffer_count = 16;
  static constexpr std::uint64_t chunk_bytes = 512 << 10;

  /// Reads a little of the first file that has bytes, to see whether the system lets it. Otherwise
  /// an Error with the reason in words; a source of another kind may still do.
  [[nodiscard]] static Expected<std::unique_ptr<DirectSource>> open(std::vector<SourceFile> files,
                                                                    SystemCalls& calls);
  ~DirectSource() override;

  [[nodiscard]] bool try_read(std::span<const ReadRange> ranges) noexcept override;
  void start(std::span<const ReadRange> ranges, ReadDone done) override;
  [[nodiscard]] std::uint64_t buffer_bytes() const noexcept override { return buffers_.bytes(); }

 private:
  struct Request;
  struct Chunk;

  DirectSource(std::vector<SourceFile> files, SystemCalls& calls, std::unique_ptr<ReadRing> ring,
               AlignedBuffers buffers);

  void serve();
  [[nodiscard]] bool take_new_requests();
  void issue();
  [[nodiscard]] bool issue_next(Request& request);
  void send(std::uint32_t slot);
  void complete(const RingCompletion& completion);
  void settle(std::uint32_t slot, std::optional<Error> error);
  void finish_if_over(Request& request);

  OpenFiles files_;
  std::unique_ptr<ReadRing> ring_;
  AlignedBuffers buffers_;

  std::mutex mutex_;  // guards the next two
  std::vector<std::unique_ptr<Request>> arrived_;
  bool stopping_ = false;

  // The rest belongs to the thread.
  std::deque<std::unique_ptr<Request>> issuing_;  // the first one is being cut into chunks
  std::vector<std::unique_ptr<Request>> issued_;  // wait for their last chunks
  std::array<std::unique_ptr<Chunk>, depth> chunks_;
  std::vector<std::uint32_t> free_chunks_;
  std::thread thread_;
};

}  // namespace plimsoll::io
