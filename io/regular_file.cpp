#include "io/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace plimsoll::io {

std::string system_reason(const char* what, int error_number) {
  return std::string(what) + ": " + std::generic_category().message(error_number);
}

Expected<RegularFile> RegularFile::open(const std::string& path) {
  int descriptor = -1;
  do {
    // Without O_NONBLOCK a named pipe would wait for its writer.
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) {
    const int reason = errno;
    if (reason == ENOENT || reason == ENOTDIR) {
      return fail(ErrorCode::not_found, "the file does not exist", path);
    }
    if (reason == ENXIO) return fail(ErrorCode::malformed, "not a regular file", path);
    return fail(ErrorCode::read_failed, system_reason("cannot open", reason), path);
  }
  RegularFile file(descriptor, 0);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    return fail(ErrorCode::read_failed, system_reason("cannot examine", errno), path);
  }
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::malformed, "not a regular file", path);
  file.bytes_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

RegularFile::RegularFile(RegularFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), bytes_(other.bytes_) {}

RegularFile& RegularFile::operator=(RegularFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

RegularFile::~RegularFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Expected<void> RegularFile::read(std::uint64_t offset, std::span<char> destination,
                                 const std::string& path) const {
  while (!destination.empty()) {
    const ssize_t got =
        ::pread(descriptor_, destination.data(), destination.size(), static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(ErrorCode::read_failed, system_reason("cannot read", errno), path);
    }
    if (got == 0) return fail(ErrorCode::read_failed, "the file ended early", path);
    destination = destination.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace plimsoll::io
