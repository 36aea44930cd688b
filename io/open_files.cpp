#include "io/open_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/regular_file.hpp"

namespace plimsoll::io {

OpenFiles::Lease::Lease(Lease&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      file_(other.file_),
      descriptor_(other.descriptor_),
      has_extra_flags_(other.has_extra_flags_) {}

OpenFiles::Lease& OpenFiles::Lease::operator=(Lease&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(has_extra_flags_, other.has_extra_flags_);
  return *this;
}

OpenFiles::Lease::~Lease() {
  if (owner_ != nullptr) owner_->give_back(file_);
}

OpenFiles::OpenFiles(std::vector<SourceFile> files, SystemCalls& calls, int extra_flags,
                     std::size_t limit)
    : files_(std::move(files)),
      calls_(calls),
      extra_flags_(extra_flags),
      limit_(limit),
      slots_(files_.size()) {}

OpenFiles::~OpenFiles() {
  while (close_oldest()) {
  }
}

Expected<OpenFiles::Lease> OpenFiles::take(std::uint32_t file) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[file];
  while (true) {
    if (slot.descriptor >= 0) return lend(file);
    if (!slot.opening && (open_ < limit_ || close_oldest())) break;
    changed_.wait(lock);
  }
  slot.opening = true;
  ++open_;
  auto opened = open_checked(lock, file);
  slot.opening = false;
  changed_.notify_all();
  if (!opened) {
    --open_;
    return fail(opened.error());
  }
  append_idle(file);
  return lend(file);
}

OpenFiles::Lease OpenFiles::lend(std::uint32_t file) {
  Slot& slot = slots_[file];
  if (slot.users++ == 0) remove_idle(file);
  return {this, file, slot.descriptor, slot.has_extra_flags};
}

void OpenFiles::give_back(std::uint32_t file) noexcept {
  const std::lock_guard lock(mutex_);
  if (--slots_[file].users > 0) return;
  append_idle(file);
  changed_.notify_all();
}

void OpenFiles::append_idle(std::uint32_t file) noexcept {
  slots_[file].older = newest_;
  slots_[file].newer = none;
  (newest_ == none ? oldest_ : slots_[newest_].newer) = file;
  newest_ = file;
}

void OpenFiles::remove_idle(std::uint32_t file) noexcept {
  const Slot& slot = slots_[file];
  (slot.older == none ? oldest_ : slots_[slot.older].newer) = slot.newer;
  (slot.newer == none ? newest_ : slots_[slot.newer].older) = slot.older;
}

bool OpenFiles::close_oldest() noexcept {
  if (oldest_ == none) return false;
  Slot& slot = slots_[oldest_];
  remove_idle(oldest_);
  ::close(std::exchange(slot.descriptor, -1));
  --open_;
  return true;
}

/// Opens without the lock. Where the process has no descriptors left, closes files out of use.
int OpenFiles::open_making_room(std::unique_lock<std::mutex>& lock, const char* path, int flags) {
  while (true) {
    lock.unlock();
    const int descriptor = calls_.open(path, flags);
    const int reason = errno;
    lock.lock();
    if (descriptor >= 0) return descriptor;
    const bool again =
        reason == EINTR || ((reason == EMFILE || reason == ENFILE) && close_oldest());
    if (!again) return -reason;
  }
}

Expected<void> OpenFiles::open_checked(std::unique_lock<std::mutex>& lock, std::uint32_t file) {
  const SourceFile& source = files_[file];
  constexpr int plain_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int flags = plain_flags | extra_flags_;
  int descriptor = open_making_room(lock, source.path.c_str(), flags);
  if (descriptor == -EINVAL && extra_flags_ != 0) {
    flags = plain_flags;
    descriptor = open_making_room(lock, source.path.c_str(), flags);
  }
  if (descriptor < 0) {
    return fail(ErrorCode::read_failed, system_reason("cannot open", -descriptor), source.path);
  }
  struct stat status {};
  std::string reason;
  if (::fstat(descriptor, &status) != 0) {
    reason = system_reason("cannot examine", errno);
  } else if (!S_ISREG(status.st_mode)) {
    reason = "not a regular file any more";
  } else if (static_cast<std::uint64_t>(status.st_size) != source.bytes) {
    reason = "the file has changed: it had " + std::to_string(source.bytes) + " bytes, now " +
             std::to_string(status.st_size);
  }
  // O_NONBLOCK was for what might have stood there instead; a ring would take it at its word.
  const int status_flags = ::fcntl(descriptor, F_GETFL);
  if (reason.empty() && ::fcntl(descriptor, F_SETFL, status_flags & ~O_NONBLOCK) != 0) {
    reason = system_reason("cannot set up", errno);
  }
  if (reason.empty()) {
    slots_[file].descriptor = descriptor;
    slots_[file].has_extra_flags = flags != plain_flags;
    return {};
  }
  ::close(descriptor);
  return fail(ErrorCode::read_failed, std::move(reason), source.path);
}

}  // namespace plimsoll::io
