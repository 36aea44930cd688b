#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace plimsoll::io {

/// One read given to a ring.
struct RingRead {
  int descriptor = -1;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::byte* destination = nullptr;
  std::uint32_t token = 0;  ///< comes back with the completion
};

struct RingCompletion {
  std::uint32_t token = 0;
  int result = 0;  ///< bytes read, or a negative error number
};

/// A queue of reads that the kernel works on while the caller does other things. One thread owns
/// it; only wake() may be called from others. At most the depth it was opened with may be under
/// way; destinations must live until their completion.
class ReadRing {
 public:
  virtual ~ReadRing() = default;

  virtual void queue(const RingRead& read) noexcept = 0;

  /// Hands all queued reads to the kernel and waits until a read has completed or wake() was called
  /// since the last wait. The span holds until the next call; it may be empty.
  [[nodiscard]] virtual std::span<const RingCompletion> wait() noexcept = 0;

  /// Ends a wait, the running or the next one. Thread-safe.
  virtual void wake() noexcept = 0;
};

/// A ring of io_uring. Null, and `errno` says why, where the system refuses or is too old for it.
[[nodiscard]] std::unique_ptr<ReadRing> open_io_uring(unsigned depth);

}  // namespace plimsoll::io
