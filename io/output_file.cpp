#include "io/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace plimsoll::io {

Error output_error(int number, std::string_view doing, const std::string& path) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return Error(full ? ErrorCode::disk_full : ErrorCode::write_failed,
               "cannot " + std::string(doing) + ": " + std::generic_category().message(number),
               path);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

OutputFile::~OutputFile() {
  if (is_open()) ::close(descriptor_);
}

Expected<void> OutputFile::write(std::span<const std::byte> bytes, std::uint64_t offset) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(output_error(n < 0 ? errno : ENOSPC, "write", path_));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Expected<void> OutputFile::read_back(std::span<std::byte> bytes, std::uint64_t offset) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(output_error(n < 0 ? errno : EIO, "read back", path_));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Expected<void> OutputFile::reserve(std::uint64_t bytes) const {
  int status = 0;
  do {
    status = bytes == 0 ? 0 : ::fallocate(descriptor_, 0, 0, static_cast<off_t>(bytes));
  } while (status != 0 && errno == EINTR);
  if (status == 0) return {};
  // Not every file system can; then only the length is set and a full disk shows while writing.
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return resize(bytes);
  return fail(output_error(errno, "reserve " + std::to_string(bytes) + " bytes", path_));
}

Expected<void> OutputFile::resize(std::uint64_t bytes) const {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0) return {};
  return fail(output_error(errno, "set the file's length", path_));
}

void OutputFile::start_writeback() const noexcept {
  ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);
}

Expected<void> OutputFile::sync_and_close() {
  if (::fsync(descriptor_) != 0) return fail(output_error(errno, "sync", path_));
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
    return fail(output_error(errno, "close", path_));
  }
  return {};
}

}  // namespace plimsoll::io
