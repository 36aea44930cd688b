#include "io/output_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <utility>

namespace plimsoll::io {
namespace {

constexpr std::uint64_t stat_block_bytes = 512;

int open_directory(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

Expected<void> sync_parent(const std::string& path) {
  const std::size_t last = path.find_last_not_of('/');
  const std::size_t slash = path.rfind('/', last);
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = open_directory(parent);
  if (descriptor < 0) return fail(output_error(errno, "open the directory", parent));
  auto synced = sync_directory(descriptor, parent);
  ::close(descriptor);
  return synced;
}

Expected<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return sync_parent(path);
  if (errno == ENOENT) {
    return fail(ErrorCode::not_found, "cannot make the directory: its parent does not exist", path);
  }
  return fail(output_error(errno, "make the directory", path));
}

}  // namespace

std::string growing_name(std::string_view name) {
  return std::string(own_prefix).append(name).append(".part");
}

std::string waiting_name(std::string_view name) {
  return std::string(own_prefix).append(name).append(".done");
}

Expected<void> sync_directory(int descriptor, const std::string& path) {
  if (::fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS) return {};
  return fail(output_error(errno, "sync the directory", path));
}

Expected<OutputDirectory> OutputDirectory::open(const std::string& path) {
  int descriptor = open_directory(path);
  const bool make = descriptor < 0 && errno == ENOENT;
  if (make) {
    if (auto made = make_directory(path); !made) return fail(made.error());
    descriptor = open_directory(path);
  }
  if (descriptor < 0) {
    struct stat status {};
    const int number = errno;
    if (::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
      return fail(ErrorCode::output_exists, "stands there and is not a directory", path);
    }
    return fail(output_error(number, "open the directory", path));
  }
  OutputDirectory directory(descriptor, path, make);
  // Where locks are not supported, nothing is refused.
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return fail(ErrorCode::output_exists, "another run is writing into this directory", path);
  }
  return directory;
}

OutputDirectory::OutputDirectory(OutputDirectory&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      was_made_(other.was_made_) {}

OutputDirectory::~OutputDirectory() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string OutputDirectory::path_of(std::string_view name) const {
  std::string out = path_;
  if (!out.ends_with('/')) out += '/';
  return out.append(name);
}

Expected<std::vector<OutputDirectory::Entry>> OutputDirectory::list() const {
  const int again = ::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = again < 0 ? nullptr : ::fdopendir(again);
  if (stream == nullptr) {
    const int number = errno;
    if (again >= 0) ::close(again);
    return fail(output_error(number, "list the directory", path_));
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, &::closedir);
  std::vector<Entry> entries;
  errno = 0;
  while (const dirent* found = ::readdir(stream)) {
    Entry entry{.name = found->d_name};
    if (entry.name == "." || entry.name == "..") continue;
    struct stat status {};
    if (::fstatat(descriptor_, found->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      entry.is_file = S_ISREG(status.st_mode) || S_ISLNK(status.st_mode);
      const auto blocks = static_cast<std::uint64_t>(status.st_blocks);
      if (status.st_nlink == 1) entry.disk_bytes = blocks * stat_block_bytes;
    }
    entries.push_back(std::move(entry));
    errno = 0;
  }
  if (errno != 0) return fail(output_error(errno, "list the directory", path_));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

std::uint64_t OutputDirectory::free_bytes() const noexcept {
  struct statvfs status {};
  if (::fstatvfs(descriptor_, &status) != 0 || status.f_blocks == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

Expected<OutputFile> OutputDirectory::grow(std::string_view name) const {
  const std::string growing = growing_name(name);
  const int descriptor =
      ::openat(descriptor_, growing.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) return fail(output_error(errno, "make the file", path_of(name)));
  return OutputFile(descriptor, path_of(name));
}

Expected<void> OutputDirectory::put(std::string_view name, std::string_view text) const {
  auto file = grow(name);
  if (!file) return fail(file.error());
  auto done = file->resize(0);
  if (done) done = file->write(std::as_bytes(std::span(text)), 0);
  if (done) done = file->sync_and_close();
  if (done) done = rename(growing_name(name), name);
  return done;
}

Expected<void> OutputDirectory::rename(std::string_view from, std::string_view to) const {
  if (::renameat(descriptor_, std::string(from).c_str(), descriptor_, std::string(to).c_str()) ==
      0) {
    return {};
  }
  return fail(output_error(errno, "give the file its name", path_of(to)));
}

Expected<void> OutputDirectory::remove(std::string_view name) const {
  if (::unlinkat(descriptor_, std::string(name).c_str(), 0) == 0 || errno == ENOENT) return {};
  return fail(output_error(errno, "remove the file", path_of(name)));
}

Expected<void> OutputDirectory::sync() const {
  return sync_directory(descriptor_, path_);
}

void OutputDirectory::remove_if_empty() const noexcept {
  ::rmdir(path_.c_str());
}

}  // namespace plimsoll::io
