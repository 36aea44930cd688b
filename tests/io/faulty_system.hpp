#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "io/system_calls.hpp"

/// What a faulty system makes of one read.
struct ReadFault {
  int error = 0;                           ///< an error number; 0: the read succeeds
  std::uint64_t most = ~std::uint64_t{0};  ///< and returns at most this many bytes
};

/// The real files behind system calls that fail as a test wants. Its ring works in memory, one read
/// a wait, so direct reads can be tested where io_uring and O_DIRECT are missing. The hooks run on
/// the threads of the source.
class FaultySystem final : public plimsoll::io::SystemCalls {
 public:
  using Read = std::function<ReadFault(std::uint64_t offset, std::uint64_t bytes, int flags)>;

  Read on_read = [](std::uint64_t, std::uint64_t, int) { return ReadFault{}; };
  std::function<int(int flags)> on_open = [](int) { return 0; };  ///< an error number or 0
  int ring_error = 0;
  std::atomic<unsigned> reads = 0;
  std::atomic<unsigned> opens = 0;

  int open(const char* path, int flags) noexcept override;
  ssize_t preadv2(int descriptor, const iovec* parts, int count, off_t offset,
                  int flags) noexcept override;
  std::unique_ptr<plimsoll::io::ReadRing> open_ring(unsigned depth) override;
};
