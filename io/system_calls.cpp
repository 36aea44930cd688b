#include "io/system_calls.hpp"

#include <fcntl.h>

namespace plimsoll::io {

int SystemCalls::open(const char* path, int flags) noexcept {
  return ::open(path, flags);
}

ssize_t SystemCalls::preadv2(int descriptor, const iovec* parts, int count, off_t offset,
                             int flags) noexcept {
  return ::preadv2(descriptor, parts, count, offset, flags);
}

std::unique_ptr<ReadRing> SystemCalls::open_ring(unsigned depth) {
  return open_io_uring(depth);
}

SystemCalls& SystemCalls::real() noexcept {
  static SystemCalls calls;
  return calls;
}

}  // namespace plimsoll::io
