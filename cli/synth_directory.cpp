#include "cli/synth_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace plimsoll::cli {
namespace {

constexpr std::string_view temporary_suffix = ".part";

tl::unexpected<Error> fail_system(int error, const char* what, const std::string& path) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return fail(full ? ErrorCode::disk_full : ErrorCode::write_failed,
              std::string(what) + ": " + std::strerror(error), path);
}

std::string temporary(const std::string& path) {
  return path + std::string(temporary_suffix);
}

}  // namespace

SynthFile::SynthFile(SynthFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

SynthFile::~SynthFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Expected<void> SynthFile::set_length(std::uint64_t bytes, bool reserve) const {
  const auto length = static_cast<off_t>(bytes);
  if (reserve && bytes != 0) {
    int result = 0;
    do {
      result = ::fallocate(descriptor_, 0, 0, length);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return {};
    if (errno != EOPNOTSUPP) return fail_system(errno, "cannot reserve space", path_);
  }
  if (::ftruncate(descriptor_, length) != 0) {
    return fail_system(errno, "cannot set the length", path_);
  }
  return {};
}

Expected<void> SynthFile::write(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_system(errno, "cannot write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Expected<SynthDirectory> SynthDirectory::open(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return SynthDirectory(path, true);
  if (errno != EEXIST) return fail_system(errno, "cannot make the directory", path);
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) return fail_system(error.value(), "cannot look into the directory", path);
  if (!empty || !std::filesystem::is_directory(path, error)) {
    return fail(ErrorCode::output_exists, "the output exists and is not an empty directory", path);
  }
  return SynthDirectory(path, false);
}

SynthDirectory::~SynthDirectory() {
  if (committed_ || path_.empty()) return;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    ::unlink(i < renamed_ ? files_[i].c_str() : temporary(files_[i]).c_str());
  }
  if (made_) ::rmdir(path_.c_str());
}

Expected<SynthFile> SynthDirectory::create(const std::string& name) {
  std::string path = path_ + "/" + name;
  const int file = ::open(temporary(path).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return fail_system(errno, "cannot create", path);
  files_.push_back(path);
  return SynthFile(file, std::move(path));
}

Expected<void> SynthDirectory::commit() {
  for (; renamed_ < files_.size(); ++renamed_) {
    const std::string& path = files_[renamed_];
    if (std::rename(temporary(path).c_str(), path.c_str()) != 0) {
      return fail_system(errno, "cannot rename into place", path);
    }
  }
  committed_ = true;
  return {};
}

}  // namespace plimsoll::cli
