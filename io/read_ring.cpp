#include "io/read_ring.hpp"

#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace plimsoll::io {
namespace {

constexpr std::uint64_t wake_token = ~std::uint64_t{0};

class IoUring final : public ReadRing {
 public:
  explicit IoUring(unsigned depth) { completions_.reserve(depth + 1); }

  ~IoUring() override {
    if (is_open_) io_uring_queue_exit(&ring_);
    if (event_ >= 0) ::close(event_);
  }

  /// 0 or a negative error number.
  int open(unsigned depth) noexcept {
    event_ = ::eventfd(0, EFD_CLOEXEC);
    if (event_ < 0) return -errno;
    if (const int failed = io_uring_queue_init(depth + 1, &ring_, 0); failed < 0) return failed;
    is_open_ = true;
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    const bool can_read = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_READ);
    io_uring_free_probe(probe);
    return can_read ? try_out() : -EOPNOTSUPP;
  }

  void queue(const RingRead& read) noexcept override {
    io_uring_sqe* entry = next_entry();
    io_uring_prep_read(entry, read.descriptor, read.destination, read.bytes, read.offset);
    io_uring_sqe_set_data64(entry, read.token);
  }

  std::span<const RingCompletion> wait() noexcept override {
    if (!listens_) {
      io_uring_sqe* entry = next_entry();
      io_uring_prep_read(entry, event_, &event_count_, sizeof event_count_, 0);
      io_uring_sqe_set_data64(entry, wake_token);
      listens_ = true;
    }
    completions_.clear();
    // A negative result is an interruption, or a shortage that ends as reads complete: what was not
    // taken stays queued for the next call.
    (void)io_uring_submit_and_wait(&ring_, 1);
    io_uring_cqe* completed = nullptr;
    while (io_uring_peek_cqe(&ring_, &completed) == 0) {
      const std::uint64_t token = io_uring_cqe_get_data64(completed);
      if (token == wake_token) {
        listens_ = false;
      } else {
        completions_.push_back({static_cast<std::uint32_t>(token), completed->res});
      }
      io_uring_cqe_seen(&ring_, completed);
    }
    return completions_;
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    while (::write(event_, &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

 private:
  /// A sandbox may let a ring be set up and then refuse its use.
  int try_out() noexcept {
    io_uring_prep_nop(next_entry());
    int taken = 0;
    do {
      taken = io_uring_submit_and_wait(&ring_, 1);
    } while (taken == -EINTR);
    if (taken < 0) return taken;
    io_uring_cqe* completed = nullptr;
    if (const int failed = io_uring_wait_cqe(&ring_, &completed); failed < 0) return failed;
    io_uring_cqe_seen(&ring_, completed);
    return 0;
  }

  /// The ring has an entry for each read that may be under way and one for the wake-up, so a full
  /// queue only means that entries wait for their submission.
  io_uring_sqe* next_entry() noexcept {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    while (entry == nullptr) {
      (void)io_uring_submit(&ring_);
      entry = io_uring_get_sqe(&ring_);
    }
    return entry;
  }

  io_uring ring_{};
  bool is_open_ = false;
  bool listens_ = false;
  int event_ = -1;
  std::uint64_t event_count_ = 0;
  std::vector<RingCompletion> completions_;  // reserved for all that can be under way
};

}  // namespace

std::unique_ptr<ReadRing> open_io_uring(unsigned depth) {
  auto ring = std::make_unique<IoUring>(depth);
  const int failed = ring->open(depth);
  if (failed == 0) return ring;
  ring.reset();
  errno = -failed;
  return nullptr;
}

}  // namespace plimsoll::io
