#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>

#include "io/read_ring.hpp"

namespace plimsoll::io {

/// The calls through which byte sources meet the system. Tests put one of their own in place to
/// make them fail, fall short or be missing. Results and errno are those of the calls they are
/// named after. Thread-safe.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;
  virtual int open(const char* path, int flags) noexcept;
  virtual ssize_t preadv2(int descriptor, const iovec* parts, int count, off_t offset,
                          int flags) noexcept;
  virtual std::unique_ptr<ReadRing> open_ring(unsigned depth);

  /// The system itself; lives as long as the program.
  [[nodiscard]] static SystemCalls& real() noexcept;
};

}  // namespace plimsoll::io
