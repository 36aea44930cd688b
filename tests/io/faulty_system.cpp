#include "faulty_system.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>

using plimsoll::io::ReadRing;
using plimsoll::io::RingCompletion;
using plimsoll::io::RingRead;

namespace {

class FaultyRing final : public ReadRing {
 public:
  explicit FaultyRing(FaultySystem& system) : system_(system) {}

  void queue(const RingRead& read) noexcept override { queued_.push_back(read); }

  std::span<const RingCompletion> wait() noexcept override {
    if (queued_.empty()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return woken_; });
      woken_ = false;
      return {};
    }
    const RingRead read = queued_.front();
    queued_.pop_front();
    const iovec part{read.destination, read.bytes};
    const ssize_t got =
        system_.preadv2(read.descriptor, &part, 1, static_cast<off_t>(read.offset), 0);
    completion_[0] = {read.token, got < 0 ? -errno : static_cast<int>(got)};
    return completion_;
  }

  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }

 private:
  FaultySystem& system_;
  std::deque<RingRead> queued_;
  std::array<RingCompletion, 1> completion_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace

int FaultySystem::open(const char* path, int flags) noexcept {
  ++opens;
  if (const int error = on_open(flags)) {
    errno = error;
    return -1;
  }
  return ::open(path, flags & ~O_DIRECT);
}

ssize_t FaultySystem::preadv2(int descriptor, const iovec* parts, int /*count*/, off_t offset,
                              int flags) noexcept {
  ++reads;
  const auto fault = on_read(static_cast<std::uint64_t>(offset), parts->iov_len, flags);
  if (fault.error != 0) {
    errno = fault.error;
    return -1;
  }
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(parts->iov_len, fault.most));
  return ::pread(descriptor, parts->iov_base, bytes, offset);
}

std::unique_ptr<ReadRing> FaultySystem::open_ring(unsigned /*depth*/) {
  if (ring_error != 0) {
    errno = ring_error;
    return nullptr;
  }
  return std::make_unique<FaultyRing>(*this);
}
